package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/exchange"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/expression"
)

const exportHelp = `Write what is declared of an app in another form. Nothing is changed, and no
secret is written.

  hcl       resources with import blocks, ready to paste: a plan then imports
            what the engine has and changes nothing. A write-only secret becomes
            a variable, whose value the next plan asks for.
  graph     mappings and filters as the schema of the Microsoft Graph
            synchronization API, with the template's mappings where none are
            declared. What it has no word for is named on standard error.
  markdown  a sheet for the app's owner: who gets an account, what is sent, what
            becomes of the accounts of those who leave.`

// forms gives an app in each form that can be exported.
var forms = map[string]func(exchange.Declared) ([]byte, exchange.Notes, error){
	"hcl":      func(d exchange.Declared) ([]byte, exchange.Notes, error) { return exchange.HCL(d), nil, nil },
	"graph":    exchange.Graph,
	"markdown": func(d exchange.Declared) ([]byte, exchange.Notes, error) { return exchange.Markdown(d), nil, nil },
}

// exchanged is what export and import print as JSON.
type exchanged struct {
	Format  string         `json:"format"`
	Content string         `json:"content"`
	Notes   exchange.Notes `json:"notes"`
}

func (s *session) exportCommand() *cobra.Command {
	var format, output string
	cmd := &cobra.Command{
		Use: "export APP", Short: "Write an app as HCL, as a Microsoft Graph schema, or as a sheet for its owner", Long: exportHelp,
		Example: `  ` + Name + ` export chat > chat.tf
  ` + Name + ` export chat --format graph --output chat.schema.json
  ` + Name + ` export chat --format markdown --output chat.md`,
		Args: arguments, ValidArgsFunction: s.completeApp,
		RunE: s.runs(func(ctx context.Context, args []string) error {
			write, ok := forms[format]
			if !ok {
				return unknownFormat(format, slices.Sorted(maps.Keys(forms)))
			}
			service, err := s.look(ctx)
			if err != nil {
				return err
			}
			defer service.Close()
			app, err := find(ctx, service, args[0])
			if err != nil {
				return err
			}
			declared, err := collect(ctx, service, app)
			if err != nil {
				return err
			}
			content, notes, err := write(declared)
			if err != nil {
				return err
			}
			return s.deliver(exchanged{format, string(content), notes}, output)
		}),
	}
	cmd.Flags().StringVar(&format, "format", "hcl", "hcl, graph or markdown")
	completeWith(cmd, "format", slices.Sorted(maps.Keys(forms)))
	cmd.Flags().StringVar(&output, "output", "", "write to this file, replacing it, rather than to standard output")
	return cmd
}

func unknownFormat(format string, known []string) error {
	text := fmt.Sprintf("--format %q is not known; there are %s", format, strings.Join(known, ", "))
	if near, ok := expression.Nearest(format, known); ok {
		text += fmt.Sprintf("; did you mean %q?", near)
	}
	return &usageError{errors.New(text)}
}

// collect asks for all that is declared of an app.
func collect(ctx context.Context, service api.Service, app *config.App) (exchange.Declared, error) {
	d := exchange.Declared{App: app}
	credentials := []string{app.CredentialID}
	if source, err := service.Get(ctx, config.KindSource, app.SourceID); err == nil {
		d.Source, _ = source.(*config.Source)
		if d.Source.CredentialID != app.CredentialID {
			credentials = append(credentials, d.Source.CredentialID)
		}
	} else if !api.IsNotFound(err) {
		return d, err
	}
	for _, id := range credentials {
		if id == "" {
			continue
		}
		credential, err := service.Get(ctx, config.KindCredential, id)
		if err != nil {
			return d, err
		}
		d.Credentials = append(d.Credentials, credential.(*config.Credential))
	}
	for _, kind := range []config.Kind{config.KindMapping, config.KindFilter, config.KindAssignment, config.KindJob} {
		things, err := service.List(ctx, kind, api.ListQuery{AppID: app.ID})
		if err != nil {
			return d, err
		}
		for _, thing := range things {
			switch x := thing.(type) {
			case *config.Mapping:
				d.Mappings = append(d.Mappings, x)
			case *config.Filter:
				d.Filters = append(d.Filters, x)
			case *config.Assignment:
				d.Assignments = append(d.Assignments, x)
			case *config.Job:
				d.Job = x
			}
		}
	}
	slices.SortFunc(d.Assignments, func(a, b *config.Assignment) int { return strings.Compare(a.Identity().Name, b.Identity().Name) })
	return d, nil
}

// deliver prints a document, or puts it into a file, and names on standard
// error what it does not say.
func (s *session) deliver(x exchanged, output string) error {
	if output != "" {
		if err := replaceFile(output, x.Content); err != nil {
			return api.Errorf(api.CodeInvalid, fmt.Sprintf("Cannot write %s", output), "%v", err)
		}
	}
	if s.json {
		if x.Notes == nil {
			x.Notes = exchange.Notes{}
		}
		return s.out.json(x, false)
	}
	for _, note := range x.Notes {
		s.errs.line(text{warn, "! "}, text{bold, note.Name}, text{plain, ": " + note.Text})
	}
	if output != "" {
		s.errs.linef("Written to %s.", output)
		return nil
	}
	s.out.document(x.Content)
	return nil
}

// replaceFile writes a file whole or not at all, where a link leads to, and
// leaves its mode as it is. What is no regular file, such as /dev/stdout, is
// written to.
func replaceFile(path, content string) error {
	mode := os.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		if !info.Mode().IsRegular() {
			return os.WriteFile(path, []byte(content), 0)
		}
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
		mode = info.Mode().Perm()
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.WriteString(content)
	if err = errors.Join(err, temporary.Chmod(mode), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}
