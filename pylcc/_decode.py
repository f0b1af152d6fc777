"""The C types of an object, as its BTF describes them (lcc_describe): values to Python objects and back."""

from pylcc._compound import ArrayType, StructType
from pylcc._scalars import Cut, EnumType, FloatType, IntType, Kept, PointerType, Unknown
from pylcc._values import Text

_KINDS = {"int": IntType, "enum": EnumType, "pointer": PointerType, "float": FloatType,
          "array": ArrayType, "struct": StructType, "union": StructType, "unknown": Unknown}


class Types(object):
    """The types of one object; types[i] is made when it is first asked for."""

    def __init__(self, described):
        self._described = described
        self._made = {}
        self.texts = Kept(Text)  # of char arrays

    def __getitem__(self, index):
        if index not in self._made:
            described = self._described[index]
            self._made[index] = _KINDS[described["kind"]](self, described)
        return self._made[index]

    def sized(self, index, size):
        """The type of what has size bytes, whatever its own size is; index None: nobody knows it."""
        if index is None:
            return Unknown(self, {"name": "value of %d bytes" % size, "size": size})
        kind = self[index]
        return kind if kind.size == size else Cut(kind, size)
