package header

import "testing"

func TestHelpers(t *testing.T) {
	const list = `/* This is auto-generated file. */

struct task_struct;

/*
 * bpf_first
 *
 * 	Like bpf_second(), but static long (* const not)(void) = (void *) 9;
 */
static void *(* const bpf_first)(void *map, const void *key) = (void *) 1;

/* bpf_second */
static long (*bpf_second)(__u32 size, ...) = (void *) 2;
static __u64 (* const bpf_third)(void) = (void *) 3;

/* bpf_fourth */
__bpf_fastcall
static __u32 (* const bpf_fourth)(void) = (void *) 4;
`
	for text, want := range map[string]string{
		"":                            "struct task_struct;\n",
		"x = bpf_first(&map, &key);":  "struct task_struct;\nstatic void *(* const bpf_first)(void *map, const void *key) = (void *) 1;\n",
		"bpf_second(1); // bpf_third": "struct task_struct;\nstatic long (*bpf_second)(__u32 size, ...) = (void *) 2;\n",
		"bpf_fourth();":               "struct task_struct;\n__bpf_fastcall\nstatic __u32 (* const bpf_fourth)(void) = (void *) 4;\n",
		"#define now() bpf_third()\n": "struct task_struct;\nstatic __u64 (* const bpf_third)(void) = (void *) 3;\n",
	} {
		if got := Helpers(list, text); got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", text, got, want)
		}
	}
}
