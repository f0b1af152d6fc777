from pylcc.commands import main

__all__ = ["main"]
