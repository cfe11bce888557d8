# Test executables: a file tests/unit/test_x.c or tests/component/test_x.c is a test by existing.
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka>=1.1.5)
# What our own SHA-256 is compared with.
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto>=3.0)

# Flags, include directories and libraries of everything under tests/.
function(ship_test_target name)
  target_include_directories(${name} PRIVATE lib tests)
  target_compile_definitions(${name} PRIVATE TESTS_DIR="${PROJECT_SOURCE_DIR}/tests")
  target_link_libraries(${name} PRIVATE ship ship_flags PkgConfig::CJSON PkgConfig::YAML
                                        PkgConfig::SQLITE PkgConfig::CRYPTO Threads::Threads)
endfunction()

file(GLOB support_sources CONFIGURE_DEPENDS tests/support/*.c)
# A support file that is a program of its own says so in its name: x_main.c becomes tests/x.
set(support_programs ${support_sources})
list(FILTER support_programs INCLUDE REGEX "_main\\.c$")
# x_preload.c becomes tests/x.so for LD_PRELOAD: never sanitized, it has to go along with every program.
list(FILTER support_sources EXCLUDE REGEX "_(main|preload)\\.c$")
if(support_sources)
  add_library(shiptest STATIC ${support_sources})
  ship_test_target(shiptest)
  target_link_libraries(shiptest PRIVATE PkgConfig::CMOCKA)
endif()
foreach(source IN LISTS support_programs)
  get_filename_component(name ${source} NAME_WE)
  string(REGEX REPLACE "_main$" "" name ${name})
  add_executable(${name} ${source})
  ship_test_target(${name})
  if(TARGET shiptest)
    target_link_libraries(${name} PRIVATE shiptest)
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
endforeach()

add_library(commit_kill MODULE tests/support/commit_kill_preload.c tests/support/kill_family.c)
target_compile_definitions(commit_kill PRIVATE _GNU_SOURCE)
target_include_directories(commit_kill PRIVATE tests)
target_link_libraries(commit_kill PRIVATE ${CMAKE_DL_LIBS})
set_target_properties(commit_kill PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY
                                                       ${PROJECT_BINARY_DIR}/tests)

add_library(fuzz_replay OBJECT tests/fuzz/replay.c)
ship_test_target(fuzz_replay)
# A fuzzer, or, in every other build, a program that replays the corpus of the target.
function(ship_fuzz_target target name)
  if(SHIPCTL_FUZZ)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    return()
  endif()
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:fuzz_replay>)
  string(REGEX REPLACE "^fuzz_" "" corpus ${name})
  add_test(NAME fuzz/${name} COMMAND ${target} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${corpus})
  set_tests_properties(
    fuzz/${name} PROPERTIES LABELS fuzz TIMEOUT 300 ENVIRONMENT "UBSAN_OPTIONS=print_stacktrace=1")
endfunction()

# One program per file of a folder; ctest runs it when it is called test_*.
function(ship_test_folder folder pattern)
  file(GLOB sources CONFIGURE_DEPENDS tests/${folder}/${pattern})
  foreach(source IN LISTS sources)
    get_filename_component(name ${source} NAME_WE)
    set(target ${folder}_${name})
    add_executable(${target} ${source})
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY
                                               ${PROJECT_BINARY_DIR}/tests/${folder})
    ship_test_target(${target})
    if(TARGET shiptest)
      target_link_libraries(${target} PRIVATE shiptest)
    endif()
    # Tests of the program see its headers and link everything but main().
    if(name MATCHES "^test_cmd_")
      target_include_directories(${target} PRIVATE cmd)
      target_link_libraries(${target} PRIVATE cmdlib)
    endif()
    if(name MATCHES "^test_")
      target_link_libraries(${target} PRIVATE PkgConfig::CMOCKA)
      add_test(NAME ${folder}/${name} COMMAND ${target}
               WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
      set_tests_properties(
        ${folder}/${name}
        PROPERTIES LABELS ${folder} TIMEOUT 300 ENVIRONMENT
                   "UBSAN_OPTIONS=print_stacktrace=1;SHIPCTL_BINARY=${PROJECT_BINARY_DIR}/shipctl")
    elseif(name MATCHES "^fuzz_")
      ship_fuzz_target(${target} ${name})
    endif()
  endforeach()
endfunction()

# The application of the end-to-end tests: built here too, so that every compiler judges it.
add_executable(testapp tests/app/app.c)
target_link_libraries(testapp PRIVATE ship_flags)
set_target_properties(testapp PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)

ship_test_folder(unit "test_*.c")
ship_test_folder(component "test_*.c")
ship_test_folder(bench "*.c")
ship_test_folder(fuzz "fuzz_*.c")

# The simulation is one program of several files: clock, engine and files under the deploy core are
# exchanged by the linker.
file(GLOB sim_sources CONFIGURE_DEPENDS tests/sim/*.c)
add_executable(sim_test_simulation ${sim_sources})
set_target_properties(
  sim_test_simulation PROPERTIES OUTPUT_NAME test_simulation RUNTIME_OUTPUT_DIRECTORY
                                                             ${PROJECT_BINARY_DIR}/tests/sim)
ship_test_target(sim_test_simulation)
target_link_libraries(sim_test_simulation PRIVATE shiptest PkgConfig::CMOCKA)
foreach(symbol malloc calloc realloc clock_gettime nanosleep getrandom statvfs proc_run
               pthread_create transfer_new transfer_use_clock transfer_free transfer_begin transfer_step
               transfer_yield transfer_cancel transfer_run transfer_status)
  target_link_options(sim_test_simulation PRIVATE LINKER:--wrap=${symbol})
endforeach()
add_test(NAME sim/test_simulation COMMAND sim_test_simulation)
add_test(NAME sim/test_memory COMMAND sim_test_simulation --memory)
add_test(NAME sim/test_images COMMAND sim_test_simulation --images)
add_test(NAME sim/test_disk COMMAND sim_test_simulation --disk)
set_tests_properties(
  sim/test_simulation sim/test_memory sim/test_images sim/test_disk
  PROPERTIES LABELS sim TIMEOUT 14400 ENVIRONMENT "UBSAN_OPTIONS=print_stacktrace=1")
