"""More records than the reader takes: each is received or counted, in order, and what was received stays."""

from programs import Caller, cpus, load, on_getppid, poll_until

RECORDS = """
struct numbered_t { u64 number; u64 inverse; u32 cpu; char comm[16]; };
LBC_PERF_OUTPUT(out, struct numbered_t, 128);
LBC_PERCPU_ARRAY(sent, u32, u64, 1);
"""

SEND = """
    u32 zero = 0;
    u64 *n = bpf_map_lookup_elem(&sent, &zero);
    struct numbered_t record = {};
    if (!n)
        return 0;
    record.number = (*n)++;
    record.inverse = ~record.number;
    record.cpu = bpf_get_smp_processor_id();
    bpf_get_current_comm(&record.comm, sizeof(record.comm));
    bpf_perf_event_output(ctx, &out, BPF_F_CURRENT_CPU, &record, sizeof(record));"""


def test_two_producers_that_send_all_the_time(tmpdir):
    kept, last, lost = [], {}, []

    def callback(cpu, data, size):
        e = lbc.getMap("out", data, size)
        assert e.cpu == cpu and e.number > last.get(cpu, -1)
        last[cpu] = e.number
        kept.append((e, cpu, e.number))

    with Caller(cpus()[0]) as one, Caller(cpus()[-1]) as other:
        either = "%d && bpf_get_current_pid_tgid() >> 32 != %d" % (one.pid, other.pid)
        with load(tmpdir, on_getppid(RECORDS, SEND, either)) as lbc:
            out = lbc.maps["out"]
            out.open_perf_buffer(callback, lambda cpu, count: lost.append(count))
            one.start()
            other.start()
            poll_until(out, lambda: len(kept) > 50000 and len(last) == len(set((cpus()[0], cpus()[-1]))))
            one.stop()
            other.stop()
            sent = lbc.maps["sent"].getKeyValue(0)
            poll_until(out, lambda: len(kept) + sum(lost) >= sent)
    assert len(kept) + sum(lost) == sent
    assert all((e.number, e.inverse, e.cpu, e.comm) == (number, 2 ** 64 - 1 - number, cpu, kept[0][0].comm) for e, cpu, number in kept)
