package service

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

func linux(system bool, dataDir string, args ...string) Options {
	return Options{
		Program: "/usr/local/bin/terraform-provider-provisioning", DataDir: dataDir, Args: args, System: system,
		GOOS: "linux", Home: "/home/ada", Config: "/home/ada/.config",
	}
}

func made(t *testing.T, o Options) File {
	t.Helper()
	file, err := Make(o)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func wants(t *testing.T, file File, path string, parts ...string) {
	t.Helper()
	text := string(file.Content) + strings.Join(file.Next, "\n")
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s lacks %q:\n%s", file.Path, part, text)
		}
	}
	if file.Path != path {
		t.Errorf("the path is %s, want %s", file.Path, path)
	}
}

func TestMake_systemd(t *testing.T) {
	wants(t, made(t, linux(true, "/var/lib/provisioning", "--listen", ":8443", "--tls-self-signed")), "/etc/systemd/system/provisioning-agent.service",
		"ExecStart=/usr/local/bin/terraform-provider-provisioning agent run --data-dir /var/lib/provisioning --listen :8443 --tls-self-signed\n",
		"Type=notify\n", "User=provisioning\n", "StateDirectory=provisioning\n", "Restart=on-failure\n", "NoNewPrivileges=yes\n", "ProtectSystem=strict\n", " AF_NETLINK\n",
		"useradd --system", "systemctl enable --now provisioning-agent.service")
	elsewhere := made(t, linux(true, "/srv/it's 100% $HOME/agent"))
	wants(t, elsewhere, "/etc/systemd/system/provisioning-agent.service",
		`--data-dir "/srv/it's 100%% $$HOME/agent"`, `ReadWritePaths="/srv/it's 100%% $$HOME/agent"`, `install -d -m 700 -o provisioning -g provisioning '/srv/it'\''s 100% $HOME/agent'`)
	if strings.Contains(string(elsewhere.Content), "StateDirectory") {
		t.Error("systemd would make the directory elsewhere")
	}
	wants(t, made(t, linux(false, "/home/ada/.local/state/x")), "/home/ada/.config/systemd/user/provisioning-agent.service",
		"WantedBy=default.target", "systemctl --user enable --now provisioning-agent.service", "loginctl enable-linger")
}

// TestMake_verified has systemd itself read the units.
func TestMake_verified(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("CI") == "true" && runtime.GOOS == "linux" {
			t.Fatal("there is no systemd-analyze on PATH; install systemd")
		}
		t.Skip("SKIPPED: there is no systemd-analyze on PATH")
	}
	program, err := exec.LookPath("true") // it must be there
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"system":    linux(true, SystemDataDir("linux"), "--listen", "[::]:8443", "--tls-cert", "/etc/a b/c.pem", "--tls-key", "/etc/a b/c.key"),
		"elsewhere": linux(true, "/srv/agent data"),
		"user":      linux(false, "/home/ada/state"),
	} {
		o.Program = program
		path := filepath.Join(t.TempDir(), name+".service")
		if err := os.WriteFile(path, made(t, o).Content, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(analyze, "verify", "--man=no", path).CombinedOutput()
		if err != nil || strings.Contains(string(out), path) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

func TestMake_launchd(t *testing.T) {
	o := linux(false, "/Users/ada/Library/Application Support/<x>&", "--listen", ":8443", "--tls-self-signed")
	o.GOOS, o.Home = "darwin", "/Users/ada"
	file := made(t, o)
	wants(t, file, "/Users/ada/Library/LaunchAgents/org.openprovisioning.agent.plist", "<string>agent</string>", "launchctl bootstrap gui/")
	var got []string
	decoder := xml.NewDecoder(bytes.NewReader(file.Content))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "string" {
			var text string
			if err := decoder.DecodeElement(&text, &start); err != nil {
				t.Fatal(err)
			}
			got = append(got, text)
		}
	}
	if want := append([]string{label, o.Program, "agent", "run", "--data-dir", o.DataDir}, o.Args...); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	o.System = true
	wants(t, made(t, o), "/Library/LaunchDaemons/org.openprovisioning.agent.plist", "launchctl bootstrap system")
}

func TestMake_refuses(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"windows":                   func(o *Options) { o.GOOS = "windows" },
		"Terraform's own copy":      func(o *Options) { o.Program = "/srv/x/.terraform/providers/p" },
		"temporary":                 func(o *Options) { o.Program = "/tmp/p" },
		"a home, for the system":    func(o *Options) { o.Program = "/home/ada/p"; o.System = true },
		"line end in the directory": func(o *Options) { o.DataDir = "/srv/x\nUser=root" },
		"line end in an argument":   func(o *Options) { o.Args = []string{"--listen", ":1\nUser=root"} },
	} {
		o := linux(false, "/srv/x")
		change(&o)
		var told *api.Error
		if _, err := Make(o); !errors.As(err, &told) || told.Advice == "" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestFile_Write writes once, and leaves alone what somebody changed.
func TestFile_Write(t *testing.T) {
	file := File{Path: filepath.Join(t.TempDir(), "a", "b.service"), Content: []byte("x")}
	for range 2 {
		if err := file.Write(); err != nil {
			t.Fatal(err)
		}
	}
	file.Content = []byte("y")
	var told *api.Error
	if err := file.Write(); !errors.As(err, &told) || told.Code != api.CodeExists {
		t.Errorf("got %v", err)
	}
	if data, err := os.ReadFile(file.Path); err != nil || string(data) != "x" {
		t.Errorf("the file is %q, %v", data, err)
	}
}
