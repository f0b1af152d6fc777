package kernel

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func findings(t *testing.T, btf string) map[string]Finding {
	t.Helper()
	f, err := This()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Finding{}
	for _, found := range f.Findings(btf) {
		if found.Name == "" || found.Found == "" || strings.Contains(found.Found, "\n") {
			t.Errorf("%+v", found)
		}
		if found.State != ok && found.Fix == "" {
			t.Errorf("no remedy: %+v", found)
		}
		all[found.Name] = found
	}
	return all
}

// Each finding agrees with what another way of asking says.
func TestFindings(t *testing.T) {
	all := findings(t, "")
	if release, err := exec.Command("uname", "-r").Output(); err != nil || !strings.HasPrefix(all["kernel"].Found, strings.TrimSpace(string(release))+", ") {
		t.Errorf("%+v, %v", all["kernel"], err)
	}
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err == nil && !strings.HasPrefix(all["BTF"].Found, "/sys/kernel/btf/vmlinux, ") {
		t.Errorf("%+v", all["BTF"])
	}
	if os.Getuid() == 0 && (all["privilege"].State != ok || !strings.HasPrefix(all["privilege"].Found, "user 0 with ")) {
		t.Errorf("%+v", all["privilege"])
	}
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		setting        string
		admin, perfmon bool
		state          string
	}{{"4", true, false, ok}, {"4", false, true, less}, {"3", false, true, less}, {"2", false, true, ok}, {"2", false, false, less}, {"unknown", false, true, ok}} {
		if found := paranoid(c.setting, c.admin, c.perfmon); found.State != c.state || !strings.HasPrefix(found.Found, c.setting) {
			t.Errorf("%+v: %+v", c, found)
		}
	}
	if found := findings(t, bad)["BTF"]; found.State != fails || !strings.Contains(found.Found, bad) {
		t.Errorf("%+v", found)
	}
}
