/* Umbrella header of the core library. cmd/ may include nothing but shipctl/ headers. */
#ifndef SHIPCTL_SHIPCTL_H
#define SHIPCTL_SHIPCTL_H

#include "shipctl/check.h"
#include "shipctl/deploy.h"
#include "shipctl/error.h"
#include "shipctl/event.h"
#include "shipctl/history.h"
#include "shipctl/init.h"
#include "shipctl/prune.h"
#include "shipctl/session.h"
#include "shipctl/status.h"
#include "shipctl/text.h"

#define SHIPCTL_VERSION "0.1.0"

/* SHIPCTL_VERSION, and the linked libraries: "libcurl 7.88.1, sqlite 3.40.1, ..." */
const char *ship_version(void);
const char *ship_libraries(void);

#endif
