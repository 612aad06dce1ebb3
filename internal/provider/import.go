package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

// ImportState takes an id or a readable name. What belongs to an app is named
// by the app's name, a slash and its own name; a job by the app's name alone.
func (d *declared) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	what := fmt.Sprintf("Cannot import %s %q", d.noun(), req.ID)
	service, err := d.agent.reach(ctx, &resp.Diagnostics)
	if err != nil {
		addError(&resp.Diagnostics, err, what, nil)
		return
	}
	names, err := d.names(ctx, service)
	if err != nil {
		addError(&resp.Diagnostics, err, what, nil)
		return
	}
	var found, known []string
	for id, name := range names {
		known = append(known, fmt.Sprintf("%q", name))
		if id == req.ID {
			found = []string{id}
			break
		}
		if name == req.ID {
			found = append(found, id)
		}
	}
	slices.Sort(known)
	slices.Sort(found)
	switch {
	case len(found) == 1:
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), found[0])...)
	case len(found) > 1:
		resp.Diagnostics.AddError(what, "That name means more than one. Import by id: "+strings.Join(found, ", ")+".")
	case len(known) == 0:
		resp.Diagnostics.AddError(what, fmt.Sprintf("The engine has no %s. Create it with terraform apply instead.", d.noun()))
	default:
		resp.Diagnostics.AddError(what, fmt.Sprintf("No %s has that id or name. There are: %s.", d.noun(), strings.Join(known, ", ")))
	}
}

// names gives the readable names of all things of the kind, by id.
func (d *declared) names(ctx context.Context, service api.Service) (map[string]string, error) {
	things, err := service.List(ctx, d.kind, api.ListQuery{})
	if err != nil {
		return nil, err
	}
	apps, err := service.List(ctx, config.KindApp, api.ListQuery{})
	if err != nil {
		return nil, err
	}
	appNames := map[string]string{}
	for _, app := range apps {
		appNames[app.GetID()] = app.Identity().Name
	}
	names := make(map[string]string, len(things))
	for _, thing := range things {
		names[thing.GetID()] = importName(thing.Identity(), appNames)
	}
	return names, nil
}

func importName(identity config.Identity, appNames map[string]string) string {
	switch {
	case identity.Parent == "":
		return identity.Name
	case identity.Kind == config.KindJob:
		return appNames[identity.Parent]
	}
	return appNames[identity.Parent] + "/" + identity.Name
}

// addExists refuses to adopt a thing in silence, and says how to do it aloud.
func (d *declared) addExists(ctx context.Context, diags *diag.Diagnostics, service api.Service, thing config.Thing, id string) {
	diags.AddError(d.alreadyThere(thing), "Nothing was changed. "+d.adoption(ctx, service, id))
}

// warnExists says in a plan that a Create may meet a thing of its name. Whether
// the plan destroys that one as well cannot be told: Terraform plans removed
// blocks in no order.
func (d *declared) warnExists(ctx context.Context, diags *diag.Diagnostics, service api.Service, thing config.Thing, id string) {
	diags.AddWarning(d.alreadyThere(thing), "The apply fails unless this plan destroys that one as well. "+d.adoption(ctx, service, id))
}

func (d *declared) alreadyThere(thing config.Thing) string {
	article := "a"
	if strings.HasPrefix(d.noun(), "a") {
		article = "an"
	}
	return fmt.Sprintf("There is %s %s already", article, d.called(thing))
}

// adoption says how to bring a thing under a configuration.
func (d *declared) adoption(ctx context.Context, service api.Service, id string) string {
	name := id
	if names, err := d.names(ctx, service); err == nil && names[id] != "" {
		name = names[id]
	}
	address := "provisioning_" + string(d.kind) + ".<label>"
	return fmt.Sprintf(
		"To bring it under this configuration, import it:\n\n"+
			"  terraform import '%s' %s\n\n"+
			"or declare the import:\n\n"+
			"  import {\n    to = %s\n    id = %q\n  }\n\n"+
			"If it only moved within the configuration, say so:\n\n"+
			"  moved {\n    from = provisioning_%s.<old label>\n    to   = %s\n  }",
		address, quoteShell(name), address, name, d.kind, address)
}

// quoteShell makes one word of a text for a shell.
func quoteShell(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
