/* lcc.h - the C interface of liblcc: BPF C text in, a running program and its data out.
 *
 *     lcc_make(options)          C source        -> artefact bytes (NAME.so)
 *     lcc_load(artefact, ...)    artefact bytes  -> session: programs attached, maps open
 *     lcc_events_read, lcc_map_* what the programs left
 *     lcc_close                  everything that a handle holds goes away
 *
 * Errors     Every call that can fail returns an lcc_error, NULL when it worked. The caller frees
 *            it with lcc_error_free. Results go out through the last parameter and are
 *            untouched when an error is returned.
 * Memory     What a call hands out was malloc'ed; the caller frees it with lcc_free. What a call
 *            takes in is read during the call only.
 * Strings    UTF-8, NUL-terminated. Options and descriptions are JSON objects: names below.
 *            An unknown option is an error.
 * Handles    Positive, never reused; 0 is no handle. lcc_close on a session closes its readers
 *            too, wakes calls that block on them and waits for these. A handle that was closed
 *            is an error of code LCC_CLOSED, never a crash.
 * Threads    Every call may be made from any thread.
 * fork       The library does not work in a child forked after it was loaded. The child must not
 *            call it; its exit leaves the parent's programs alone.
 * Signals    No handler is installed but those of the Go runtime (SEGV, BUS, FPE, PIPE, URG ...).
 *            A call is not interrupted by signals, but lcc_events_read, which may miss one that comes
 *            just before it waits: do not have it wait long. lcc_make takes a flag that ends it.
 * Output     The library prints nothing, and reads no environment variable.
 */
#ifndef LCC_H
#define LCC_H

#include <stdint.h>

typedef const char *lcc_str;
typedef const void *lcc_bytes;
typedef const uint64_t *lcc_addresses;
typedef const int32_t *lcc_flag;
typedef int64_t lcc_handle;

enum lcc_code {
	LCC_INVALID = 1, /* a wrong argument */
	LCC_COMPILE,     /* the C source does not compile; detail: the compiler's output */
	LCC_MISSING,     /* a file that should be there is not */
	LCC_PRIVILEGE,   /* a capability is missing */
	LCC_LOAD,        /* the kernel refused the object; detail: the verifier's log */
	LCC_ATTACH,      /* a program could not be attached */
	LCC_CLOSED,      /* the handle was closed */
	LCC_SYSTEM,      /* disk, memory, file descriptors */
	LCC_INTERNAL,    /* a defect of this library; detail: the stack */
};

typedef struct lcc_error {
	int32_t code;      /* enum lcc_code */
	int32_t sys_errno; /* the operating system's errno, or 0 */
	char *message;     /* one line: "operation subject: cause (hint)" */
	char *detail;      /* the whole log, or "" */
} lcc_error;

/* One stretch of records of equal size from one CPU, in the order they were written there.
 * Record i lies at buffer + offset + i * stride. lost counts records of this CPU that the kernel
 * dropped before the first record of the run; a run may carry a loss and no record. */
typedef struct lcc_run {
	uint64_t lost;
	uint64_t offset;
	uint32_t count;
	uint32_t stride;
	uint32_t size;
	int32_t cpu;
} lcc_run;

/* What lcc_make produced: the bytes of NAME.so, and a report:
 *   path      where NAME.so is kept
 *   action    "reused", "compiled", or "loaded" (no source was there)
 *   kept      whether it is there now
 *   header    kernel types used: "needed" (only what the source needs), "whole", or "none"
 *   compiler  path of the compiler that built it
 *   release   kernel release whose types were used
 *   warnings  compiler output of a successful compile
 *   notes     [sentence, ...] for the user, such as why NAME.so could not be kept */
typedef struct lcc_made {
	void *artefact;
	uint64_t size;
	char *report;
} lcc_made;

/* The entries of a map, packed: key i at keys + i * key_size. Per-CPU values lie side by side,
 * one of round_up(value size, 8) bytes for each possible CPU. */
typedef struct lcc_entries {
	void *keys;
	void *values;
	uint64_t count;
	uint32_t key_size;
	uint32_t value_size;
} lcc_entries;

void lcc_free(void *memory);
void lcc_error_free(lcc_error *error);

/* Compile C, or reuse NAME.so. options:
 *   name     base name; NAME.so and NAME.bpf.c live in work
 *   source   C text; absent: work/NAME.bpf.c; neither: work/NAME.so as it is
 *   env      extra compiler flags, split as a shell would
 *   work     directory, default the current one
 *   include  [directory, ...] searched for #include "x.h" after work
 *   arch     default this machine's, as uname -m says it
 *   release  of the kernel whose types are used, default this one; this one's, with a note, where no
 *            file has those
 *   btf      file with the kernel's BTF, default what this kernel provides
 *   bare     true: make work/NAME.bpf.o, the mere object, always, and leave NAME.so alone
 *   home     directory of the bundled compiler (bpf-clang) and headers (include/)
 *   clang    compiler to use instead of the bundled one
 *   path     ":"-separated directories, searched for a clang where neither is there
 *   temp     directory for private files, default /tmp
 * LCC_COMPILE, LCC_MISSING, LCC_INVALID, LCC_SYSTEM. Needs no privilege. A compiler takes a tenth of a
 * second as a rule and two minutes at most; set *stop (which may be NULL) to end the call before. */
lcc_error *lcc_make(lcc_str options, lcc_flag stop, lcc_made *out);

/* Describe an artefact, or a plain BPF object, without a kernel: what lcc_describe says, but attached,
 * log and possible_cpus, and
 *   origin   "coolbpf"; "object": a plain one; "server": a shared object by a compile server of old
 *   license  of the programs
 *   size     of the object, in bytes
 *   made     {key, arch, release, btf, engine, header, compiler, warnings}: as lcc_make noted it
 * LCC_INVALID. */
lcc_error *lcc_inspect(lcc_bytes artefact, uint64_t size, char **out);

/* What the running kernel and this process lack for programs, or not: [{name, state, found, fix}].
 * state: "ok", "less" (something does not work), "fails" (nothing does). btf: as for lcc_load, or "".
 * tracefs is mounted and RLIMIT_MEMLOCK raised, as loading would do. */
lcc_error *lcc_findings(lcc_str btf, char **out);

/* Create the maps, load the programs and attach those whose section names a target. One that
 * cannot be attached undoes all. options:
 *   attach     false: attach nothing; default true
 *   log_level  verifier log level (1, 2, 4 as in BPF_PROG_LOAD) asked for even on success, default 0
 *   btf        file with the kernel's BTF, default what this kernel provides
 *   path       ":"-separated directories, searched for a program that a uprobe names
 * LCC_INVALID, LCC_PRIVILEGE, LCC_LOAD, LCC_ATTACH. Needs CAP_BPF and CAP_PERFMON, or root.
 * Kernel 5.10 is the oldest that is tested. */
lcc_error *lcc_load(lcc_bytes artefact, uint64_t size, lcc_str options, lcc_handle *out);

/* Attach a program to what its section need not name; a program may be attached several times.
 * All is undone by lcc_close. target:
 *   hook      kprobe, kretprobe, kprobe_multi, kretprobe_multi, ksyscall, kretsyscall, uprobe,
 *             uretprobe, tracepoint, raw_tracepoint, tracing (fentry, fexit, fmod_ret, tp_btf), lsm,
 *             perf_event, cgroup, netns, xdp
 *   name      kprobe: function or function+offset; kprobe_multi: pattern of * and ?; ksyscall:
 *             system call; tracepoint: category/name; raw_tracepoint: name; uprobe: path or name of
 *             a program or library, see lcc_symbols_at; tracing, lsm: what the section says
 *   symbol    uprobe: function or function+offset, see lcc_symbols_find
 *   offset    uprobe, instead of a symbol: in the file
 *   pid       uprobe, perf_event: 0 this process, negative (default) all; perf_event: of a thread
 *   cpu       perf_event: negative (default) all that pid runs on
 *   fd        cgroup, netns: what to attach to; perf_event: leader of the group, negative: none
 *   index     xdp: of the interface
 *   flags     perf_event: PERF_FLAG_*
 *   event     perf_event: {member of struct perf_event_attr: number}
 * LCC_INVALID, LCC_ATTACH, LCC_PRIVILEGE, LCC_CLOSED. */
lcc_error *lcc_attach(lcc_handle session, lcc_str program, lcc_str target);

/* Describe a session's object, in JSON:
 *   programs  [{name, section, type, hook, target, attached}]   hook "": waits for a call
 *   maps      [{name, type, key_size, value_size, max_entries, per_cpu, key, value}]
 *             key, value: index into types, or null; a map's place in this list is its number
 *   types     [{kind, name, size, ...}], typedef: name is one's; kinds:
 *     int      signed, char (a plain C char), bool     enum     signed, values {name: value}
 *     float                                            pointer  name: "struct x *"
 *     array    element (a type), count                 struct, union
 *       members [{name, type, bit_offset, bit_size}]   bit_size 0: no bitfield; name "": anonymous
 *     unknown  no C value that is described here; size 0 where not even that is known
 *   Global variables are the only value, a struct, of a map such as .bss.
 *   prints    [text, ...] that bpf_printk may be called with, as far as the object shows; null: it is not
 *   log       the verifier's output, where log_level asked for it
 *   possible_cpus */
lcc_error *lcc_describe(lcc_handle session, char **out);

/* Look a key up. value (value_size bytes; per-CPU maps: as in lcc_entries) is written when *found.
 * key_size and value_size must be the map's. take: remove the entry in the same step (hashes: Linux
 * 5.14). Queues and stacks have no keys: this peeks, take pops. A bloom filter is asked for what
 * value contains. */
lcc_error *lcc_map_lookup(lcc_handle session, uint32_t map, lcc_bytes key, uint32_t key_size,
			  void *value, uint32_t value_size, int32_t take, int32_t *found);

/* Set count entries, packed as in lcc_entries; queues, stacks and bloom filters have no keys: the
 * values are pushed. In one batch where the kernel has them (5.6). Entries before one that fails
 * are set. */
lcc_error *lcc_map_update(lcc_handle session, uint32_t map, lcc_bytes keys, uint64_t keys_size,
			  lcc_bytes values, uint64_t values_size, uint32_t count);

/* Delete an entry; *found: it was there. */
lcc_error *lcc_map_delete(lcc_handle session, uint32_t map, lcc_bytes key, uint32_t key_size, int32_t *found);

/* All entries, in the kernel's order. take: remove each as it is read, so that none is counted
 * twice or lost; not for arrays. Batches where the kernel has them (5.6), else key by key. */
lcc_error *lcc_map_entries(lcc_handle session, uint32_t map, int32_t take, lcc_entries *out);

/* Delete every entry; arrays: zero every value. */
lcc_error *lcc_map_clear(lcc_handle session, uint32_t map);

/* The file descriptor of the map or program of that name, as values of some maps want it. It is
 * the session's: do not close it, nor use it once the session is closed. */
lcc_error *lcc_fd(lcc_handle session, lcc_str name, int32_t *out);

/* Open the perf buffer of a map of type perf_event_array: one ring of at least ring_size bytes
 * (0: 256 KiB) for each CPU that is online; or a ringbuf, whose records say CPU -1, and whose
 * losses are those that lbc.h counts (LBC_RINGBUF). A map has at most one reader at a time. */
lcc_error *lcc_events_open(lcc_handle session, uint32_t map, uint32_t ring_size, lcc_handle *out);

/* Wait up to timeout_ms for records, copy what is there into buffer and describe it in runs.
 * Returns with *count == 0 on a timeout, or when the thread has handled a signal. One thread at a
 * time reads; a second one waits its turn. A record that does not fit into an empty buffer is counted
 * as lost. */
lcc_error *lcc_events_read(lcc_handle events, void *buffer, uint64_t size, int32_t timeout_ms,
			   lcc_run *runs, uint32_t max_runs, uint32_t *count);

/* A descriptor for poll(2) and event loops: it becomes readable when lcc_events_read has something to
 * do, and now and then for what nobody tells of: once a second for CPUs that came, every 250 ms for
 * records of a ringbuf that are to wake nobody. Then read with a timeout of 0, and wait again. What
 * the kernel has told once it need not tell twice, and to register the descriptor (EPOLL_CTL_ADD, or a
 * duplicate) counts as being told: after that, or after being told without reading, make this call once
 * more, or read with a timeout of 0, and wait only then. It waits for a read under way. The descriptor
 * is the reader's: do not read or close it. */
lcc_error *lcc_events_fd(lcc_handle events, int32_t *out);

/* The functions that kernel addresses lie in, a line each as /proc/kallsyms has it, "ADDRESS LETTER func"
 * or "ADDRESS LETTER func [mod]"; "" where there is none. LCC_PRIVILEGE when kptr_restrict hides
 * addresses. */
lcc_error *lcc_kernel_names(lcc_handle symbols, lcc_addresses addresses, uint32_t count, char **out);

/* Open a book of symbols, which keeps what it has read until lcc_close. A session is one, too. */
lcc_error *lcc_symbols_open(lcc_handle *out);

/* Say what lies at addresses, in one call for many. space:
 *   of      "kernel"
 *           "process": pid; its program and libraries, also in another mount namespace, the vDSO,
 *                      and what its runtime wrote in perf-PID.map
 *           "jit":     pid; perf-PID.map alone, which must be the process's user's or root's
 *           "file":    binary; addresses are those of its symbol table
 *   binary  path of an ELF file, or the name of one in path, among the libraries of the system
 *           ("libc"), or in the current directory; with pid: as that process sees it, or else at this
 *           path here; "" its program
 *   pid     0: this process; negative (default): none in particular
 *   path    ":"-separated directories of programs
 * Out, in JSON: [{name, module, kind, offset}] in the order of the addresses
 *   name    as its language writes it, "" unknown
 *   module  file of a process, "[anon]", "[vdso]"; or module of the kernel; "": not mapped, none
 *   kind    kernel: its letter in kallsyms
 *   offset  in the function; in the file where that is unknown
 * Symbols come from the file, from its debug file (.gnu_debuglink, or by build ID below
 * /usr/lib/debug). LCC_INVALID, LCC_SYSTEM, LCC_PRIVILEGE. */
lcc_error *lcc_symbols_at(lcc_handle symbols, lcc_str space, lcc_addresses addresses, uint32_t count,
			  char **out);

/* Find a function in such a space, but "process". name: in a file also function+offset, and what
 * C++ or Rust write, with or without parameters; "": the file alone.
 * Out, in JSON: {name, module, kind, address, size, path, offset, text}
 *   address  in the space; path, offset: of the file, and in it; text: address of the file's first
 *            segment of code
 * LCC_INVALID, with the closest name, when there is none. */
lcc_error *lcc_symbols_find(lcc_handle symbols, lcc_str space, lcc_str name, char **out);

/* Open the BTF in the file path, raw or a vmlinux; NULL: what this kernel provides. It is kept until
 * lcc_close. LCC_MISSING when there is none. */
lcc_error *lcc_types_open(lcc_str path, lcc_handle *out);

/* Look a name up in that BTF. query, one of the first three, each with % for any characters:
 *   func     name of a function:     [{func, args [type, ...], ret, line, file}], at most 20
 *   struct   "struct x", "union x":  {name, members, size, cell [{type, offset, size, bits, name}]}
 *            or null; with %: a list of these, without cell, at most 20
 *   type     as C writes it:         {name, type, size} or null
 *   ret      only functions that return this type
 *   arg      only functions that take this type */
lcc_error *lcc_types_find(lcc_handle types, lcc_str query, char **out);

/* Where tracefs is; it is mounted where it is not and this process may. LCC_MISSING, LCC_PRIVILEGE. */
lcc_error *lcc_tracefs(char **out);

/* Close a session, a reader, a book of symbols or types. */
lcc_error *lcc_close(lcc_handle handle);

#endif
