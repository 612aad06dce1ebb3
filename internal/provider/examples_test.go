package provider

import (
	"bytes"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/config"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// The quick start, on the engine itself: what it says of its outputs is so, and
// the secret is nowhere in what the engine keeps.
func TestAccExamples_quickstart(t *testing.T) {
	dir, err := filepath.Abs("../../examples/quickstart")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	const token = "canary-c0ffee"
	app := sampleapp.New(sampleapp.Options{Token: token})
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	service := newEngine(t)
	variables := config.Variables{
		"data_dir": config.StringVariable(service.dataDir), "base_url": config.StringVariable(server.URL), "token": config.StringVariable(token),
	}
	steps := []resource.TestStep{
		{
			ProtoV6ProviderFactories: factories(service), ConfigDirectory: config.StaticDirectory(dir), ConfigVariables: variables,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownOutputValue("status", knownvalue.ObjectExact(map[string]knownvalue.Check{
					"code": knownvalue.StringExact("active"), "kind": knownvalue.StringExact("initial"),
					"created": knownvalue.Int64Exact(4), "skipped": knownvalue.Int64Exact(2), "failed": knownvalue.Int64Exact(0),
					"users": knownvalue.Int64Exact(3), "groups": knownvalue.Int64Exact(1),
				})),
				statecheck.ExpectKnownOutputValue("skipped", knownvalue.ListSizeExact(2)),
			},
		},
		{
			ProtoV6ProviderFactories: factories(service), ConfigDirectory: config.StaticDirectory(dir), ConfigVariables: variables,
			ConfigPlanChecks: plans(plancheck.ExpectEmptyPlan()),
		},
	}
	// What is imported by its readable name plans empty.
	for address, name := range map[string]string{
		"provisioning_source.people": "people", "provisioning_credential.chat": "chat", "provisioning_app.chat": "chat",
		"provisioning_attribute_mapping.users": "chat/User", "provisioning_scoping_filter.staff": "chat/User/staff",
		"provisioning_assignment.founder": "chat/user/grace@example.com", "provisioning_job.chat": "chat",
	} {
		steps = append(steps, resource.TestStep{
			ProtoV6ProviderFactories: factories(service), ConfigDirectory: config.StaticDirectory(dir), ConfigVariables: variables,
			ResourceName: address, ImportState: true, ImportStateId: name, ImportStateKind: resource.ImportBlockWithID,
		})
	}
	resource.Test(t, resource.TestCase{Steps: steps})
	if n := len(app.Users()); n != 3 {
		t.Errorf("after the destroy the app has %d users, want the 3 that were created", n)
	}
	assertNowhere(t, service.dataDir, token)
}

// assertNowhere reports every file below a folder that holds the text.
func assertNowhere(t *testing.T, dir, text string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(text)) {
			t.Errorf("%s holds the secret", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// The examples of the documentation are one configuration together.
func TestAccExamples_documentation(t *testing.T) {
	var files []string
	for _, pattern := range []string{"resources/*/resource.tf", "data-sources/*/data-source.tf", "functions/*/function.tf"} {
		found, err := filepath.Glob("../../examples/" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	var text strings.Builder
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(data)
	}
	var all provisioningProvider
	if want := len(all.Resources(t.Context())) + len(all.DataSources(t.Context())) + len(all.Functions(t.Context())); len(files) != want {
		t.Errorf("there are %d examples for %d resources, data sources and functions", len(files), want)
	}
	t.Chdir("../../examples/quickstart")
	service := newEngine(t)
	declared := strings.ReplaceAll(text.String(), "https://chat.example.com/scim/v2", string(service.target))
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{{
			Config:          header + declared,
			ConfigVariables: config.Variables{"token": config.StringVariable("canary")},
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownOutputValue("display_name", knownvalue.StringExact("Ada Lovelace")),
				statecheck.ExpectKnownOutputValue("user_name", knownvalue.StringExact("ada2")),
				statecheck.ExpectKnownOutputValue("ada", knownvalue.Bool(true)),
			},
		}},
	})
}
