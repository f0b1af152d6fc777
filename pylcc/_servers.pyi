SEG_UNIT: int
LBC_COMPILE_PORT: int
buffSize: int

def segDecode(stream: str | bytes) -> bytes: ...
