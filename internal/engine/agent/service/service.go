// Package service writes the file by which a machine's service manager keeps an
// agent: a systemd unit, or a launchd property list.
package service

import (
	"bytes"
	_ "embed"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

// Names of the service, of the user that it runs as on behalf of the whole
// system, and of where it keeps its data then.
const (
	unitName    = "provisioning-agent.service"
	label       = "org.openprovisioning.agent"
	User        = "provisioning"
	stateDir    = "/var/lib"
	environment = "/etc/provisioning/agent.env"
)

// SystemDataDir gives where an agent of the whole system keeps its data.
func SystemDataDir(goos string) string {
	if goos == "darwin" {
		return "/Library/Application Support/" + label
	}
	return stateDir + "/provisioning"
}

// Options say what is kept running, and by which manager.
type Options struct {
	Program string   // absolute path of the binary
	DataDir string   // absolute
	Args    []string // of `agent run`, beside the data directory
	System  bool     // for the whole system, not for one user
	GOOS    string
	Home    string // of the user
	Config  string // the user's configuration directory, absolute
}

// File is what is to be written, and what an operator does then.
type File struct {
	Path    string
	Content []byte
	Next    []string // commands, one a line
}

//go:embed system.service
var systemUnit string

//go:embed user.service
var userUnit string

//go:embed agent.plist
var propertyList string

// Make gives the file for the machine's service manager. The error is an
// *api.Error.
func Make(o Options) (File, error) {
	if err := o.check(); err != nil {
		return File{}, err
	}
	if o.GOOS == "darwin" {
		return o.launchd()
	}
	return o.systemd()
}

func (o Options) check() error {
	refuse := func(detail, advice string) error {
		return &api.Error{Code: api.CodeInvalid, Summary: "Cannot install the agent as a service", Detail: detail, Advice: advice}
	}
	switch {
	case o.GOOS != "linux" && o.GOOS != "darwin":
		return refuse("there is no systemd and no launchd on "+o.GOOS, "Have the service manager of this system run `agent run`.")
	case strings.ContainsFunc(strings.Join(append(o.Args, o.Program, o.DataDir), ""), func(r rune) bool { return r < ' ' || r == 0x7f }):
		return refuse("a path or address holds a line end or another control character", "Give one without.")
	}
	if strings.Contains(o.Program, "/.terraform/") || strings.HasPrefix(o.Program, "/tmp/") || strings.HasPrefix(o.Program, "/var/tmp/") {
		return refuse(o.Program+" is where Terraform or the system removes files", copyAdvice)
	}
	if o.System && (strings.HasPrefix(o.Program, "/home/") || strings.HasPrefix(o.Program, "/root/") || strings.HasPrefix(o.Program, "/Users/")) {
		return refuse(o.Program+" is in a user's home, which a service of the system does not see", copyAdvice)
	}
	return nil
}

const copyAdvice = "Copy the program to a place that stays, such as /usr/local/bin, and run it from there."

func (o Options) systemd() (File, error) {
	args := append([]string{o.Program, "agent", "run", "--data-dir", o.DataDir}, o.Args...)
	for i, arg := range args {
		args[i] = quoteUnit(arg)
	}
	values := struct {
		ExecStart, DataDir, StateDirectory, User, Environment string
	}{strings.Join(args, " "), quoteUnit(o.DataDir), "", User, environment}
	if name, ok := strings.CutPrefix(o.DataDir, stateDir+"/"); ok && name == path.Clean(name) && !strings.ContainsAny(name, " %\"\\") {
		values.StateDirectory = name
	}
	if !o.System {
		content, err := execute(userUnit, values)
		return File{Path: filepath.Join(o.Config, "systemd", "user", unitName), Content: content, Next: []string{
			"systemctl --user daemon-reload",
			"systemctl --user enable --now " + unitName,
			"loginctl enable-linger   # so that it also runs while you are logged out",
		}}, err
	}
	content, err := execute(systemUnit, values)
	next := []string{fmt.Sprintf("id %s || useradd --system --home-dir %s --shell /usr/sbin/nologin %s", User, quoteShell(o.DataDir), User)}
	if values.StateDirectory == "" { // else systemd makes it
		next = append(next, fmt.Sprintf("install -d -m 700 -o %s -g %s %s", User, User, quoteShell(o.DataDir)))
	}
	return File{Path: filepath.Join("/etc/systemd/system", unitName), Content: content, Next: append(next,
		"systemctl daemon-reload", "systemctl enable --now "+unitName)}, err
}

func (o Options) launchd() (File, error) {
	var args []string
	for _, arg := range append([]string{o.Program, "agent", "run", "--data-dir", o.DataDir}, o.Args...) {
		var escaped bytes.Buffer
		if err := xml.EscapeText(&escaped, []byte(arg)); err != nil {
			return File{}, err
		}
		args = append(args, escaped.String())
	}
	content, err := execute(propertyList, struct {
		Label string
		Args  []string
	}{label, args})
	if o.System {
		file := filepath.Join("/Library/LaunchDaemons", label+".plist")
		return File{Path: file, Content: content, Next: []string{"launchctl bootstrap system " + file}}, err
	}
	file := filepath.Join(o.Home, "Library", "LaunchAgents", label+".plist")
	return File{Path: file, Content: content, Next: []string{fmt.Sprintf("launchctl bootstrap gui/$(id -u) %s", quoteShell(file))}}, err
}

func execute(text string, values any) ([]byte, error) {
	var out bytes.Buffer
	err := template.Must(template.New("").Parse(text)).Execute(&out, values)
	return out.Bytes(), err
}

// quoteUnit writes an argument as systemd reads it: systemd.syntax(7) for quotes
// and backslashes, systemd.service(5) for the dollar, systemd.unit(5) for the
// percent sign.
func quoteUnit(arg string) string {
	arg = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", "$$", "%", "%%").Replace(arg)
	if arg == "" || strings.ContainsAny(arg, " \t\"'\\;#") {
		return `"` + arg + `"`
	}
	return arg
}

// quoteShell writes an argument as a POSIX shell reads it.
func quoteShell(arg string) string {
	if !strings.ContainsFunc(arg, func(r rune) bool { return !strings.ContainsRune("/._-+=:,@", r) && !isLetterOrDigit(r) }) {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

func isLetterOrDigit(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// Write puts the file in its place. One that is there with other content stays:
// it may have been changed by hand.
func (f File) Write() error {
	there, err := os.ReadFile(f.Path)
	switch {
	case err == nil && bytes.Equal(there, f.Content):
		return nil
	case err == nil:
		return &api.Error{
			Code: api.CodeExists, Summary: "There is another service in " + f.Path, Detail: "it may have been changed by hand",
			Advice: "See what differs with --print. Remove the file to have it written anew.",
		}
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("write the service: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
		return fmt.Errorf("write the service: %w", err)
	}
	if err := os.WriteFile(f.Path, f.Content, 0o644); err != nil {
		return fmt.Errorf("write the service: %w", err)
	}
	return nil
}
