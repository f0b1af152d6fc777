package artefact

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"

	"coolbpf/core/fault"
)

// Write makes path hold data, all of it or what was there before. Several may write at once: the
// last one wins, and a reader sees one of them whole.
func Write(path string, data []byte) error {
	temp := filepath.Join(filepath.Dir(path), "."+rand.Text()+".tmp")
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return unwritable(path, err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return unwritable(path, errors.Join(err, os.Remove(temp)))
	}
	return nil
}

// unwritable names path, the file that the user knows, in place of the temporary one.
func unwritable(path string, err error) error {
	if errno := fault.Errno(err); errno != 0 {
		err = errno
	}
	return &fault.Error{Kind: fault.System, Op: "write", Subject: path, Cause: err}
}
