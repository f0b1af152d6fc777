package symbols

import (
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Binary is an ELF file with its symbols, which may come from another file.
type Binary struct {
	*Image
	Path string
}

// symbolized is a file's image, with the symbols of its debug file where it has no own.
func symbolized(file *os.File, path string, r root) (*Image, error) {
	image, err := ParseImage(file)
	if err != nil || image.complete {
		return image, err
	}
	for _, at := range image.debugFiles(path, r) {
		if debug := readDebug(at, image); debug != nil {
			image.Table = newTable(append(debug.list, image.list...))
			image.complete = true
			break
		}
	}
	return image, nil
}

// debugFiles are the places for what was stripped off: by build ID, then by name.
func (m *Image) debugFiles(path string, r root) (spots []spot) {
	add := func(path string) {
		spots = append(spots, spot{r, path})
		if r != 0 {
			spots = append(spots, spot{0, path})
		}
	}
	const place = "/usr/lib/debug"
	if len(m.buildID) > 2 {
		add(place + "/.build-id/" + m.buildID[:2] + "/" + m.buildID[2:] + ".debug")
	}
	if m.link != "" && m.link == filepath.Base(m.link) && m.link != ".." {
		dir := filepath.Dir(path)
		add(filepath.Join(dir, m.link))
		add(filepath.Join(dir, ".debug", m.link))
		add(filepath.Join(place, dir, m.link))
	}
	return spots
}

// readDebug reads a debug file, if it is that of the image.
func readDebug(at spot, of *Image) *Image {
	file, err := at.root.openFile(at.path)
	if err != nil {
		return nil
	}
	defer file.Close()
	debug, err := ParseImage(file)
	if err != nil || !debug.complete {
		return nil
	}
	if of.buildID != "" && debug.buildID != "" {
		if of.buildID != debug.buildID {
			return nil
		}
		return debug
	}
	const most = 4 << 30 // a sparse file may claim anything
	info, err := file.Stat()
	if err != nil || info.Size() > most {
		return nil
	}
	sum := crc32.NewIEEE()
	if _, err := io.Copy(sum, io.NewSectionReader(file, 0, info.Size())); err != nil || sum.Sum32() != of.linkCRC {
		return nil
	}
	return debug
}

// realPath is where an open file lies, links followed, in the file system that it was found in.
func realPath(file *os.File, path string) string {
	target, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(file.Fd())))
	if err != nil || !strings.HasPrefix(target, "/") {
		return path
	}
	return target
}
