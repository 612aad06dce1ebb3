package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/client"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

const enterpriseUser = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// showApp prints the accounts and groups as the app has them.
func (d *demo) showApp() {
	users, names := d.app.Users(), map[string]string{}
	for _, user := range users {
		names[user.ID] = user.Name
	}
	rows := [][]text{{{dim, "ACCOUNT"}, {dim, "NAME"}, {dim, "TITLE"}, {dim, "MANAGER"}, {dim, "ACTIVE"}}}
	for _, user := range users {
		active := text{good, "yes"}
		if !user.Active() {
			active = text{bad, "no"}
		}
		rows = append(rows, []text{
			{bold, user.Name}, {plain, attribute(user, "displayName")}, {plain, attribute(user, "title")},
			{plain, names[manager(user)]}, active,
		})
	}
	d.out.table("   ", rows)
	for _, group := range d.app.Groups() {
		var members []string
		for _, id := range group.Members {
			members = append(members, names[id])
		}
		d.out.line(text{dim, "   group "}, text{bold, group.Name}, text{plain, ": " + strings.Join(members, ", ")})
	}
}

func attribute(r sampleapp.Resource, name string) string {
	if value, ok := r.Attributes[name]; ok {
		return fmt.Sprint(value)
	}
	return ""
}

// manager gives the id of a user's manager.
func manager(user sampleapp.Resource) string {
	extension, _ := user.Attributes[enterpriseUser].(map[string]any)
	switch value := extension["manager"].(type) {
	case map[string]any:
		return fmt.Sprint(value["value"])
	case string:
		return value
	}
	return ""
}

// followProgress prints how far the app's cycle is, from the agent's start
// until ctx ends.
func (d *demo) followProgress(ctx context.Context) {
	var before status.Progress
	for d.Sleep(ctx, awaitInterval) == nil {
		job, err := d.progress(ctx)
		if err != nil || job.Progress == nil || *job.Progress == before {
			continue // not yet there
		}
		before = *job.Progress
		d.margin.insert(text{dim, "   ├ "}, text{warn, demoApp + " "}, text{plain, progressText(before)})
	}
}

func (d *demo) progress(ctx context.Context) (status.Job, error) {
	service, err := d.Dial(ctx, client.Options{DataDir: d.dataDir, Version: d.Version})
	if err != nil {
		return status.Job{}, err
	}
	defer service.Close()
	app, err := find(ctx, service, demoApp)
	if err != nil {
		return status.Job{}, err
	}
	return service.Status(ctx, app.ID)
}
