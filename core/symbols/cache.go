package symbols

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Of the entries of ld.so.cache, those of this machine's kind have these bits.
var machine = map[string]uint32{"amd64": 0x0300, "arm64": 0x0a00}[runtime.GOARCH]

// parseCache lists the libraries that /etc/ld.so.cache names: pairs of short name and path. It
// reads the format of glibc 2.2 and later; anything else is an empty list.
func parseCache(data []byte) (libraries [][2]string) {
	const header, entry = 48, 24
	// An older format may stand before it; offsets count from here.
	begin := bytes.Index(data, []byte("glibc-ld.so.cache1.1"))
	if begin < 0 || len(data)-begin < header {
		return nil
	}
	data = data[begin:]
	all := string(data) // of which all names are parts: copies of what overlaps would have no bound
	text := func(at uint32) string {
		begin := int(min(uint64(at), uint64(len(all))))
		s, _, _ := strings.Cut(all[begin:min(len(all), begin+unix.PathMax)], "\x00")
		return s
	}
	count := min(int(binary.NativeEndian.Uint32(data[20:])), (len(data)-header)/entry)
	for i := range count {
		e := data[header+i*entry:]
		flags, key, value := binary.NativeEndian.Uint32(e), binary.NativeEndian.Uint32(e[4:]), binary.NativeEndian.Uint32(e[8:])
		if name, path := text(key), text(value); flags&0xff00 == machine && name != "" && path != "" {
			libraries = append(libraries, [2]string{name, path})
		}
	}
	return libraries
}
