package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

// TestMain runs the acceptance tests wherever there is a Terraform that can.
func TestMain(m *testing.M) {
	path, problem := findTerraform()
	switch {
	case problem == "":
		rc, err := filepath.Abs("testdata/terraform.tfrc")
		if err != nil {
			panic(err)
		}
		for name, value := range map[string]string{
			"TF_ACC": "1", "TF_ACC_TERRAFORM_PATH": path, "TF_ACC_PROVIDER_NAMESPACE": "openprovisioning",
			"TF_CLI_CONFIG_FILE": rc, "CHECKPOINT_DISABLE": "1",
		} {
			os.Setenv(name, value)
		}
	case os.Getenv("CI") == "true":
		fmt.Fprintln(os.Stderr, "acceptance tests cannot run: "+problem)
		os.Exit(1)
	default:
		os.Unsetenv("TF_ACC")
		fmt.Fprintln(os.Stderr, "SKIPPED: all acceptance tests: "+problem)
	}
	os.Exit(m.Run())
}

// findTerraform gives the CLI that the tests use, or says why there is none.
func findTerraform() (path, problem string) {
	path = os.Getenv("TF_ACC_TERRAFORM_PATH")
	if path == "" {
		var err error
		if path, err = exec.LookPath("terraform"); err != nil {
			return "", "there is no terraform on PATH; install Terraform 1.11 or newer"
		}
	}
	command := exec.Command(path, "version", "-json")
	command.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1")
	out, err := command.Output()
	if err != nil {
		return "", fmt.Sprintf("%s version -json: %v", path, err)
	}
	if at := strings.IndexByte(string(out), '{'); at > 0 {
		out = out[at:]
	}
	var found struct {
		Version string `json:"terraform_version"`
	}
	if err := json.Unmarshal(out, &found); err != nil {
		return "", fmt.Sprintf("%s version -json: %v", path, err)
	}
	v, err := version.NewVersion(found.Version)
	if err != nil || v.LessThan(version.Must(version.NewVersion("1.11.0"))) {
		return "", fmt.Sprintf("%s is version %s; the tests need 1.11 or newer", path, found.Version)
	}
	return path, ""
}

// factories serve the provider in this process, on the service.
func factories(service api.Service) map[string]func() (tfprotov6.ProviderServer, error) {
	return factoriesOf(func(context.Context, Options) (api.Service, error) { return service, nil })
}

func factoriesOf(connect Connect) map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"provisioning": providerserver.NewProtocol6WithError(New("test", connect)()),
	}
}

const header = `
terraform {
  required_providers {
    provisioning = { source = "openprovisioning/provisioning" }
  }
}
`

// says matches a message however the CLI broke its lines.
func says(parts ...string) *regexp.Regexp {
	for i, part := range parts {
		words := strings.Fields(part)
		for j, word := range words {
			words[j] = regexp.QuoteMeta(word)
		}
		parts[i] = strings.Join(words, `[\s│]+`)
	}
	return regexp.MustCompile(`(?s)` + strings.Join(parts, `.*`))
}

// failing never reaches an engine.
func failing(err error) Connect {
	return func(context.Context, Options) (api.Service, error) { return nil, err }
}
