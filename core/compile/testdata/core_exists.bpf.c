#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

struct request_queue___gone { struct gendisk *disk; } __attribute__((preserve_access_index));
struct trace_event_raw_block_rq_completion___moved { dev_t dev; u64 sector; int error; } __attribute__((preserve_access_index));
enum cgroup_subsys_id___any { cpu_cgrp_id___any = 7 };
u64 sizes[8];

SEC("tp_btf/block_rq_complete")
int BPF_PROG(on_complete, struct request *rq, int error)
{
	struct request_queue___gone *old = (void *)rq->q;

	if (bpf_core_field_exists(old->disk))
		sizes[0] += BPF_CORE_READ(old, disk, major);
	if (bpf_core_field_exists(struct request, start_time_ns))
		sizes[1] = bpf_core_field_size(struct request, start_time_ns) + bpf_core_field_offset(struct request, __sector);
	if (bpf_core_type_exists(struct bio_vec) && bpf_core_type_matches(struct trace_event_raw_block_rq_completion___moved))
		sizes[2] = bpf_core_type_size(struct bio_vec);
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id___any, cpu_cgrp_id___any))
		sizes[3] = bpf_core_enum_value(enum cgroup_subsys_id___any, cpu_cgrp_id___any);
	sizes[4] = bpf_core_enum_value(enum req_op, REQ_OP_WRITE);
	sizes[5] = bpf_core_type_id_kernel(struct request);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
