__all__ = ["CkoBuilder", "main", "MAX_FILES", "MAX_LENS"]

MAX_FILES: int
MAX_LENS: int

class CkoBuilder:
    def build(self, iPath: str, out: str = "prev.db") -> None: ...

def main() -> None: ...
