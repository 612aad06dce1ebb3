package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/user"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/client"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/expression"
)

// dataDirVariable names the data directory where no flag does.
const dataDirVariable = "PROVISIONING_DATA_DIR"

// directory gives the data directory that is meant, for what is done on the
// agent's machine alone.
func (s *session) directory() (string, error) {
	if s.endpoint != "" {
		return "", &usageError{errors.New("this is done on the agent's own machine: give --data-dir there in place of --endpoint")}
	}
	if s.dataDir != "" {
		return s.dataDir, nil
	}
	if dir := s.Getenv(dataDirVariable); dir != "" {
		return dir, nil
	}
	return client.DefaultDataDir()
}

// remote gives the endpoint that is meant; its zero value when an agent on this
// machine is. A flag goes before what the environment says.
func (s *session) remote() (client.Endpoint, error) {
	e := client.Endpoint{URL: s.endpoint}
	switch {
	case s.endpoint != "" && s.dataDir != "":
		return e, &usageError{errors.New("--data-dir names an agent on this machine, --endpoint one on another; give one of them")}
	case s.endpoint == "" && s.dataDir == "":
		e.URL = s.Getenv(client.EndpointVariable)
		if e.URL != "" && s.Getenv(dataDirVariable) != "" {
			return e, &usageError{fmt.Errorf("%s names an agent on this machine, %s one on another; unset one of them, or give --data-dir or --endpoint",
				dataDirVariable, client.EndpointVariable)}
		}
	}
	if e.URL == "" {
		if s.caFile != "" || s.tokenFile != "" {
			return e, &usageError{errors.New("--ca-file and --token-file are for an agent on another machine; give --endpoint as well")}
		}
		return client.Endpoint{}, nil
	}
	e.Token, e.CACertificate = s.Getenv(client.TokenVariable), s.Getenv(client.CACertificateVariable)
	for _, from := range []struct {
		file string
		to   *string
	}{{s.tokenFile, &e.Token}, {s.caFile, &e.CACertificate}} {
		if from.file == "" {
			continue
		}
		content, err := os.ReadFile(from.file)
		if err != nil {
			return e, &usageError{err}
		}
		*from.to = strings.TrimSpace(string(content))
	}
	if e.Token == "" {
		return e, &usageError{fmt.Errorf("the agent of %s asks for a token; give --token-file, or set %s", e, client.TokenVariable)}
	}
	return e, nil
}

// look reaches an agent that runs. None is CodeUnavailable: looking starts
// nothing, and makes no data directory.
func (s *session) look(ctx context.Context) (Agent, error) {
	return s.reach(ctx, false)
}

// act reaches the agent, and starts it where none runs on this machine.
func (s *session) act(ctx context.Context) (Agent, error) {
	return s.reach(ctx, true)
}

func (s *session) reach(ctx context.Context, autostart bool) (Agent, error) {
	endpoint, err := s.remote()
	if err != nil {
		return nil, err
	}
	if endpoint.URL != "" {
		return s.Dial(ctx, client.Options{Endpoint: endpoint, Version: s.Version})
	}
	dir, err := s.directory()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && !autostart {
		return nil, &api.Error{
			Code: api.CodeUnavailable, Summary: fmt.Sprintf("No agent runs on data directory %q", dir),
			Detail: "there is no such directory",
			Advice: "Give the one of your configuration with --data-dir, or run `terraform plan`, which starts an agent.",
		}
	}
	return s.Dial(ctx, client.Options{DataDir: dir, Version: s.Version, Autostart: autostart})
}

// apps gives all apps, by name.
func apps(ctx context.Context, service api.Service) ([]*config.App, error) {
	things, err := service.List(ctx, config.KindApp, api.ListQuery{})
	if err != nil {
		return nil, err
	}
	list := make([]*config.App, 0, len(things))
	for _, thing := range things {
		if app, ok := thing.(*config.App); ok {
			list = append(list, app)
		}
	}
	slices.SortFunc(list, func(a, b *config.App) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// find gives the app of a name, else of an id.
func find(ctx context.Context, service api.Service, name string) (*config.App, error) {
	list, err := apps(ctx, service)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(list))
	for i, app := range list {
		if app.Name == name {
			return app, nil
		}
		names[i] = app.Name
	}
	for _, app := range list {
		if app.ID == name {
			return app, nil
		}
	}
	return nil, unknown("app", name, names)
}

// unknown says that nothing has a name, and what is there.
func unknown(kind, name string, names []string) error {
	e := &api.Error{Code: api.CodeNotFound, Summary: fmt.Sprintf("There is no %s %q", kind, name)}
	switch near, ok := expression.Nearest(name, names); {
	case ok:
		e.Advice = fmt.Sprintf("Did you mean %q?", near)
	case len(names) > 0:
		e.Detail = "there are " + strings.Join(names, ", ")
	default:
		e.Detail = "none is declared yet"
		e.Advice = "Declare one in Terraform and apply it, or give the right --data-dir."
	}
	return e
}

// completeApp completes the name of an app in the first place, while an agent
// runs.
func (s *session) completeApp(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	s.invoked = true
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	service, err := s.look(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer service.Close()
	list, err := apps(cmd.Context(), service)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, app := range list {
		names = append(names, cobra.CompletionWithDesc(app.Name, app.Template))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeSource completes the name of a source in a flag.
func (s *session) completeSource(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	s.invoked = true
	service, err := s.look(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer service.Close()
	byID, err := names(cmd.Context(), service, config.KindSource)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return slices.Sorted(maps.Values(byID)), cobra.ShellCompDirectiveNoFileComp
}

// operator names who asks, for the log.
func operator() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "command line"
}
