"""read_maps.py ours|bcc ENTRIES NAME...: seconds to read all of a hash: structs of 32 bytes, ints, batches
(the structs, as BCC has batches). Says NAME SECONDS, a line each."""

import sys

import shared

TIMES = 3
STRUCT = "struct value_t { u64 count; u64 bytes; u64 last; u32 pid; u32 flags; };\n"


def ours(entries):
    from pylcc.lbcBase import ClbcBase

    source = '#include "lbc.h"\n' + STRUCT + \
        "LBC_HASH(structs, u32, struct value_t, %d);\nLBC_HASH(ints, u32, u64, %d);\n" % (entries, entries) + \
        'SEC("raw_tracepoint/sys_enter") int probe(void *ctx) { return 0; }\n' + shared.LICENSE
    maps = ClbcBase("hash%d" % entries, bpf_str=source, attach=0).maps
    maps["structs"].update((key, (key, key, key, key, key)) for key in range(entries))
    maps["ints"].update((key, key) for key in range(entries))
    return {"structs": maps["structs"].get, "ints": maps["ints"].get}


def bcc(entries):
    from bcc import BPF

    b = BPF(text=STRUCT + "BPF_HASH(structs, u32, struct value_t, %d);\nBPF_HASH(ints, u32, u64, %d);\n" % (entries, entries))
    for name in ("structs", "ints"):
        table = b[name]
        keys, leaves = (table.Key * entries)(*range(entries)), (table.Leaf * entries)()
        for key in range(entries):
            leaves[key] = table.Leaf(*[key] * 5) if name == "structs" else key
        table.items_update_batch(keys, leaves)
    return {"structs": b["structs"].items, "ints": b["ints"].items,
            "batches": lambda: dict(b["structs"].items_lookup_batch())}


def seconds(read, entries):
    begin = shared.clock()
    found = read()
    spent = shared.clock() - begin
    if len(found) != entries:
        sys.exit("%d entries of %d" % (len(found), entries))
    return spent


if __name__ == "__main__":
    count = int(sys.argv[2])
    reads = {"ours": ours, "bcc": bcc}[sys.argv[1]](count)
    for name in sys.argv[3:]:
        shared.say(name, min(seconds(reads[name], count) for _ in range(TIMES)))
