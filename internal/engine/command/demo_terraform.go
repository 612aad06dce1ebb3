package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-version"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

// oldestTerraform is the first Terraform, and the first OpenTofu, with
// write-only attributes.
var oldestTerraform = version.Must(version.NewVersion("1.11.0"))

// terraform is a Terraform or OpenTofu and the folder that it works in.
type terraform struct {
	path      string
	folder    string
	variables map[string]string
	out       io.Writer
}

// findTerraform gives the CLI at a path, or the first on PATH that is new
// enough.
func findTerraform(ctx context.Context, path string) (*terraform, error) {
	candidates := []string{"terraform", "tofu"}
	if path != "" {
		candidates = []string{path}
	}
	var found []string
	for _, candidate := range candidates {
		full, err := exec.LookPath(candidate)
		if err != nil {
			continue
		}
		if full, err = filepath.Abs(full); err != nil {
			return nil, err
		}
		cli := &terraform{path: full}
		v, err := cli.version(ctx)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			found = append(found, err.Error())
		case v.Core().LessThan(oldestTerraform):
			found = append(found, fmt.Sprintf("%s is version %s", full, v))
		default:
			return cli, nil
		}
	}
	e := &api.Error{
		Code: api.CodeInvalid, Summary: "There is no Terraform or OpenTofu to show it with",
		Detail: strings.Join(candidates, " and ") + " cannot be found",
		Advice: fmt.Sprintf("Install version %s or newer, or name it with --terraform. `make demo` builds one where there is none.", oldestTerraform),
	}
	if len(found) > 0 {
		e.Detail = strings.Join(found, "; ")
	}
	return nil, e
}

func (t *terraform) version(ctx context.Context) (*version.Version, error) {
	cmd := exec.CommandContext(ctx, t.path, "version", "-json")
	cmd.Env = append(cleanEnvironment(os.Environ()), "CHECKPOINT_DISABLE=1")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s version -json: %w", t.path, err)
	}
	var told struct {
		Version string `json:"terraform_version"` // OpenTofu says so too
	}
	if err := json.Unmarshal(out, &told); err != nil {
		return nil, fmt.Errorf("%s version -json: %w", t.path, err)
	}
	return version.NewVersion(told.Version)
}

// registries are those that Terraform and OpenTofu look for a provider in.
var registries = []string{"registry.terraform.io", "registry.opentofu.org"}

// install makes this program what the folder's configuration installs, as from
// a mirror of the registry.
func (t *terraform) install(programVersion string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	mirror := filepath.Join(t.folder, "mirror")
	release := release(programVersion)
	for _, host := range registries {
		dir := filepath.Join(mirror, host, "openprovisioning", "provisioning", release, runtime.GOOS+"_"+runtime.GOARCH)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := linkOrCopy(program, filepath.Join(dir, Name+"_v"+release+filepath.Ext(program))); err != nil {
			return err
		}
	}
	rc := fmt.Sprintf("disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", filepath.ToSlash(mirror))
	return os.WriteFile(t.configuration(), []byte(rc), 0o600)
}

// configuration is where Terraform's own configuration stands.
func (t *terraform) configuration() string { return filepath.Join(t.folder, "terraform.rc") }

var releaseVersion = regexp.MustCompile(`^v?(\d+\.\d+\.\d+)`)

// release gives the version under which a mirror has a program: Terraform does
// not choose pre-releases unasked, and takes 0.0.0 for none.
func release(programVersion string) string {
	if match := releaseVersion.FindStringSubmatch(programVersion); match != nil {
		return match[1]
	}
	return "0.0.1"
}

func linkOrCopy(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

// interruptPatience passes after an interrupt before Terraform is ended.
const interruptPatience = 20 * time.Second

// run runs Terraform and shows its output as it comes.
func (t *terraform) run(ctx context.Context, args ...string) error {
	t.announce(args)
	return t.start(ctx, t.out, args)
}

// runBriefly runs Terraform and shows its output from a line on; all of it when
// it fails.
func (t *terraform) runBriefly(ctx context.Context, from *regexp.Regexp, args ...string) error {
	t.announce(args)
	var output bytes.Buffer
	err := t.start(ctx, &output, args)
	shown := output.Bytes()
	if at := from.FindIndex(shown); err == nil && at != nil {
		shown = shown[at[0]:]
	}
	fmt.Fprintf(t.out, "%s\n", bytes.TrimSpace(shown))
	return err
}

func (t *terraform) announce(args []string) { fmt.Fprintf(t.out, "$ %s %s\n", t.name(), joined(args)) }

func (t *terraform) name() string { return strings.TrimSuffix(filepath.Base(t.path), ".exe") }

// start runs Terraform to its end. When ctx ends, Terraform is interrupted once,
// so that it can end in order.
func (t *terraform) start(ctx context.Context, out io.Writer, args []string) error {
	cmd := exec.CommandContext(ctx, t.path, append(slices.Clone(args), "-no-color", "-input=false")...)
	cmd.Dir = t.folder
	cmd.Env = append(cleanEnvironment(os.Environ()), "TF_CLI_CONFIG_FILE="+t.configuration(), "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
	for name, value := range t.variables {
		cmd.Env = append(cmd.Env, "TF_VAR_"+name+"="+value)
	}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Cancel = func() error { return interrupt(cmd.Process) }
	cmd.WaitDelay = interruptPatience
	ownGroup(cmd)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", t.name(), joined(args), err)
	}
	return nil
}

// cleanEnvironment leaves out what would steer Terraform or the agent elsewhere.
func cleanEnvironment(of []string) []string {
	var kept []string
	for _, entry := range of {
		if !strings.HasPrefix(entry, "TF_") && !strings.HasPrefix(entry, dataDirVariable+"=") {
			kept = append(kept, entry)
		}
	}
	return kept
}

func joined(args []string) string { return strings.Join(args, " ") }
