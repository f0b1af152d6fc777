from collections.abc import AsyncIterator, Iterator
from itertools import chain
from typing import Any, overload

class Batch:
    cpu: int
    lost: int
    size: int
    stride: int
    data: memoryview
    def __init__(self, run: Any, count: int, data: bytes, records: Any) -> None: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    @overload
    def __getitem__(self, item: str) -> Any: ...  # numpy.ndarray, or a list
    @overload
    def __getitem__(self, item: slice) -> list[Any]: ...
    @overload
    def __getitem__(self, item: int) -> Any: ...
    @property
    def array(self) -> Any: ...  # numpy.ndarray

class Batches(chain[Batch]):
    def __aiter__(self) -> AsyncIterator[Batch]: ...
