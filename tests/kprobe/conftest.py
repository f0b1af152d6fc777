"""These tests belong to kernels with kprobes; on others they are not collected."""

import os

if not os.path.exists("/sys/bus/event_source/devices/kprobe"):
    collect_ignore_glob = ["*"]
