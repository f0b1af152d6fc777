/* The kernel's types come from vmlinux.h; this keeps the system's file of the same name out. */
#ifndef _LINUX_TYPES_H
#define _LINUX_TYPES_H
#ifndef __VMLINUX_H__
#include "vmlinux.h"
#endif
#endif
