package api_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

// TestOpenAPI: the document names every route with its errors, and refers to
// nothing that it does not have.
func TestOpenAPI(t *testing.T) {
	h, _ := handler(succeed, api.Options{})
	text := ask(h, "GET", "/v1/openapi.json", "").Body.Bytes()
	var document struct {
		OpenAPI string
		Info    struct{ Version string }
		Paths   map[string]map[string]struct {
			OperationID string
			Summary     string
			Responses   map[string]any
		}
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	if document.OpenAPI != "3.1.0" || document.Info.Version != "1.2.3" {
		t.Errorf("got version %s of %s", document.Info.Version, document.OpenAPI)
	}
	wanted := []string{
		"get /v1/handshake", "get /v1/identity", "get /v1/generations", "post /v1/check", "get /v1/backup", "post /v1/stop",
		"get /v1/audit", "get /v1/audit/follow", "post /v1/sources/{id}/test",
		"get /v1/accounts", "post /v1/apps/{id}/unmatched", "post /v1/apps/{id}/drop-link",
		"get /v1/sources/{id}/schema", "get /v1/apps/{id}/schema",
		"get /v1/apps/{id}/status", "get /v1/apps/{id}/warnings",
	}
	for _, operation := range []string{"preview", "wait", "start", "pause", "restart", "approve", "provision", "test"} {
		wanted = append(wanted, "post /v1/apps/{id}/"+operation)
	}
	for _, kind := range config.Kinds {
		path := "/v1/" + api.Collection(kind)
		wanted = append(wanted, "get "+path, "post "+path, "get "+path+"/{id}", "put "+path+"/{id}", "delete "+path+"/{id}")
	}
	var found []string
	ids := map[string]bool{}
	for path, methods := range document.Paths {
		for method, operation := range methods {
			found = append(found, method+" "+path)
			if operation.Summary == "" || operation.OperationID == "" || ids[operation.OperationID] {
				t.Errorf("%s %s has id %q and summary %q", method, path, operation.OperationID, operation.Summary)
			}
			ids[operation.OperationID] = true
			if operation.Responses["default"] == nil {
				t.Errorf("%s %s does not tell of errors", method, path)
			}
		}
	}
	slices.Sort(wanted)
	slices.Sort(found)
	if !slices.Equal(found, wanted) {
		t.Errorf("routes are\n%s\nwant\n%s", strings.Join(found, "\n"), strings.Join(wanted, "\n"))
	}
	for _, name := range []string{"Error", "StatusJob", "ConfigJob", "AuditEntry", "Identity", "AuditIdentity"} {
		if document.Components.Schemas[name] == nil {
			t.Errorf("there is no schema %s; there are %v", name, slices.Sorted(maps.Keys(document.Components.Schemas)))
		}
	}
	for _, reference := range strings.Split(string(text), `"$ref":"`)[1:] {
		name := strings.TrimPrefix(reference[:strings.IndexByte(reference, '"')], "#/components/schemas/")
		if document.Components.Schemas[name] == nil {
			t.Errorf("there is no schema %s", name)
		}
	}
}
