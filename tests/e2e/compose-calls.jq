# Two recordings of create calls -> the members in which they differ.
# Input: none; $theirs, $ours: arrays of {request, body} (slurped); $networks: [{ID: NAME}].  Output: one line a difference,
# "NAME<tab>PATH<tab>THEIRS<tab>OURS".

# Objects whose keys are the user's: an empty value there means something.
def is_map: . as $key | ["Labels", "Tmpfs", "Sysctls", "StorageOpt", "Options", "Config",
    "DriverOpts", "EndpointsConfig", "AuxiliaryAddresses", "PortBindings"] | index($key) != null;
def is_nothing: . == null or . == [0, 0] or . == "" or . == 0 or . == false or . == [] or . == {};
# An empty command or list of masked paths is not the same as none.
def is_kept: . as $key |
    ["Cmd", "Entrypoint", "MaskedPaths", "ReadonlyPaths", "Init", "StopTimeout"] | index($key) != null;

def pruned:
    if type == "array" then map(pruned)
    elif type == "object" then
        with_entries(
            if .key == "ExposedPorts" then .value |= ((. // {}) | keys)
            elif .value != null and (.key | is_map) and (.value | type) == "object"
            then .value |= with_entries(.value |= pruned)
            else .value |= pruned end)
        | with_entries(select(.value != null and
            ((.key | is_kept) or (.value | is_nothing | not))))
    else . end;
# Binds and Mounts as one object by target. A plain volume means the same in both; a bind does not:
# only Binds makes a missing host folder.
def mounted:
    if (.HostConfig | type) != "object" then . else
    .HostConfig.Mounted = ([
        (.HostConfig.Binds // [] | .[] | split(":")
            | {key: .[1], value: {Source: .[0], Options: (.[2] | split(",") | sort)}}),
        (.HostConfig.Mounts // [] | .[] | {key: .Target, value:
            (if .Type == "volume" and .Source != null and .VolumeOptions == null
             then {Source, Options: [if .ReadOnly then "ro" else "rw" end]} else . end)})
        ] | from_entries)
    | del(.HostConfig.Binds, .HostConfig.Mounts) end;

# Compose 2.26 names an external network by its id.
def named_networks:
    if .NetworkingConfig.EndpointsConfig? then
        .NetworkingConfig.EndpointsConfig |= with_entries(.key |= ($networks[0][.] // .)) else . end;

def sorted_lists:
    walk(if type == "object" then
        with_entries(
            if (.value | type) != "array" then .
            elif .key == "Env" then .value |= sort
            elif .key == "Ulimits" then .value |= sort_by(.Name)
            elif .key == "Links" then .value |= sort
            elif .key == "ExtraHosts" then .value |= sort
            else . end)
        | with_entries(
            if .key == "com.docker.compose.depends_on"
            then .value |= (split(",") | sort | join(",")) else . end)
    else . end);

# What the call makes: a later one of the same name is a repeated try.
def name:
    (.request | sub("^POST /v[0-9.]+"; "")) as $path
    | if $path | startswith("/containers/create")
      then $path | capture("name=(?<n>[^&]*)").n
      elif $path | endswith("/connect")
      then ($path | capture("/networks/(?<n>[^/]+)/").n | $networks[0][.] // .) + "+" + .body.EndpointConfig.Aliases[0]
      else ($path | split("/")[1]) + "/" + .body.Name end;

def calls: map({key: name, value: (.body | del(.Container) | pruned | mounted | named_networks | sorted_lists)}) | from_entries;

def differences($path; $a; $b):
    if $a == $b then empty
    elif ($a | type) == "object" and ($b | type) == "object"
    then (($a + $b) | keys[]) as $key
        | differences($path + [$key]; $a[$key]; $b[$key])
    else [($path | map(sub("^com\\.docker\\.compose\\."; "")) | join(".")), ($a | tojson), ($b | tojson)]
    end;

($theirs | calls) as $a | ($ours | calls) as $b
| ($a + $b | keys[]) as $call
| differences([]; $a[$call]; $b[$call])
| [$call] + . | join("\t")
