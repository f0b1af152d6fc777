package artefact

import (
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
)

// outsider names a member of the group who is none of the users, or is "". Any user could be in
// a group that /etc/group does not know.
func outsider(groups, passwd []byte, gid uint32, users []uint32) string {
	number, uids := format(gid), map[string]string{}
	trusted := func(uid string) bool {
		return slices.ContainsFunc(users, func(u uint32) bool { return format(u) == uid })
	}
	for user := range records(passwd, 4) {
		uids[user[0]] = user[2]
		if user[3] == number && !trusted(user[2]) {
			return user[0]
		}
	}
	known := false
	for group := range records(groups, 4) {
		if group[2] != number {
			continue
		}
		known = true
		for name := range strings.SplitSeq(group[3], ",") {
			if name != "" && !trusted(uids[name]) {
				return name
			}
		}
	}
	if !known {
		return "a user that /etc/group does not know"
	}
	return ""
}

// owner names a user as ls -l does.
func owner(uid uint32) string {
	passwd, _ := os.ReadFile("/etc/passwd") // without it the number says enough
	for user := range records(passwd, 3) {
		if user[2] == format(uid) {
			return user[0]
		}
	}
	return "uid " + format(uid)
}

// records are the lines of /etc/passwd or /etc/group that have at least count fields.
func records(file []byte, count int) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		for line := range strings.Lines(string(file)) {
			fields := strings.Split(strings.TrimRight(line, "\n"), ":")
			if len(fields) >= count && !yield(fields) {
				return
			}
		}
	}
}

func format(id uint32) string { return strconv.FormatUint(uint64(id), 10) }
