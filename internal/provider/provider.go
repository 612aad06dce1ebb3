// Package provider is the Terraform side: it translates what is declared into
// calls to the engine, and answers back into state. It decides nothing about
// accounts. The engine is reached through an api.Service, and only by the first
// call that needs it: validation and functions never do.
package provider

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/client"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

var (
	_ provider.Provider              = (*provisioningProvider)(nil)
	_ provider.ProviderWithFunctions = (*provisioningProvider)(nil)
)

// dataDirVariable is the environment variable that stands in for data_dir.
const dataDirVariable = "PROVISIONING_DATA_DIR"

// New gives the factory of the provider. connect reaches the engine; it is
// called by the first operation that needs it, and again after it failed. The
// service that it gives must outlive the context of that call.
func New(version string, connect Connect) func() provider.Provider {
	return func() provider.Provider {
		return &provisioningProvider{version: version, connect: connect}
	}
}

type provisioningProvider struct {
	version string
	connect Connect
}

type providerModel struct {
	DataDir       types.String `tfsdk:"data_dir"`
	Endpoint      types.String `tfsdk:"endpoint"`
	Token         types.String `tfsdk:"token"`
	CACertificate types.String `tfsdk:"ca_certificate"`
}

func (p *provisioningProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName, resp.Version = "provisioning", p.version
}

func (p *provisioningProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Automatic user provisioning as code: who gets an account where is declared here, and an engine inside the " +
			"same binary creates, updates, disables and deletes the accounts, for as long as a job is on.",
		Attributes: map[string]schema.Attribute{
			"data_dir": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Directory that the engine's agent keeps its store, log and socket in. One agent runs for each directory, and " +
					"the provider starts it when it is needed. A relative path is taken from where Terraform runs. Default: the environment " +
					"variable `" + dataDirVariable + "`, else the user's state directory.",
			},
			"endpoint": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "URL of an agent that runs on another machine with `agent run --listen`, such as " +
					"`https://agent.example.com:8443`, in place of `data_dir`. That agent must run: the provider neither starts nor replaces it, " +
					"and both must have the same version, but for the patch. Paths of files are those of its machine. " +
					"Default: the environment variable `" + client.EndpointVariable + "`.",
			},
			"token": schema.StringAttribute{
				Optional:  true,
				Sensitive: true,
				MarkdownDescription: "Token that the agent of `endpoint` lets callers in with, as `token create` printed it on its machine. " +
					"Better not written here: the environment variable `" + client.TokenVariable + "`, which is the default, is in no plan file.",
			},
			"ca_certificate": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Certificate, in PEM, of the authority that signed the certificate of `endpoint`, such as `file(\"tls-ca.pem\")`. " +
					"It is trusted in place of the system's authorities. Default: the environment variable `" + client.CACertificateVariable +
					"`, else the system's.",
			},
		},
	}
}

// Configure parses, and starts nothing.
func (p *provisioningProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var m providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	a := &agent{connect: p.connect, unknown: m.unknown()}
	a.options = m.options(&resp.Diagnostics)
	a.options.Version = p.version
	if resp.Diagnostics.HasError() {
		return
	}
	resp.ResourceData, resp.DataSourceData = a, a
}

func (m *providerModel) unknown() bool {
	return m.DataDir.IsUnknown() || m.Endpoint.IsUnknown() || m.Token.IsUnknown() || m.CACertificate.IsUnknown()
}

// options give which engine is meant. What is written goes before what the
// environment says. What depends on something unknown is not judged.
func (m *providerModel) options(diags *diag.Diagnostics) Options {
	refuse := func(attribute, summary, detail string) Options {
		diags.AddAttributeError(path.Root(attribute), summary, detail)
		return Options{}
	}
	dataDir, endpoint := m.DataDir, client.Endpoint{URL: m.Endpoint.ValueString()}
	switch {
	case !m.DataDir.IsNull() && !m.Endpoint.IsNull():
		return refuse("endpoint", "Both data_dir and endpoint",
			"An agent is either on this machine or on another. Keep data_dir, and the provider starts one here, or endpoint, and it uses the one there.")
	case m.unknown():
		return Options{Endpoint: endpoint}
	case isWritten(m.DataDir) && m.DataDir.ValueString() == "":
		return refuse("data_dir", "Empty data_dir", "Give the directory that the agent keeps its store in, or leave data_dir out for the default.")
	case isWritten(m.Endpoint) && m.Endpoint.ValueString() == "":
		return refuse("endpoint", "Empty endpoint", "Give the URL of the agent, or leave endpoint out for one on this machine.")
	}
	if m.DataDir.IsNull() && m.Endpoint.IsNull() {
		dataDir, endpoint.URL = types.StringValue(os.Getenv(dataDirVariable)), os.Getenv(client.EndpointVariable)
		if dataDir.ValueString() != "" && endpoint.URL != "" {
			diags.AddError("Both "+dataDirVariable+" and "+client.EndpointVariable,
				"The environment names an agent on this machine and one on another. Unset one of them, or write data_dir or endpoint in the configuration.")
			return Options{}
		}
	}
	if endpoint.URL == "" {
		for name, value := range map[string]types.String{"token": m.Token, "ca_certificate": m.CACertificate} {
			if !value.IsNull() {
				return refuse(name, title(name)+" without endpoint", "It is for an agent on another machine. Give endpoint as well, or remove it.")
			}
		}
		return localOptions(dataDir.ValueString(), diags)
	}
	endpoint.Token = valueOr(m.Token, client.TokenVariable)
	endpoint.CACertificate = valueOr(m.CACertificate, client.CACertificateVariable)
	if err := endpoint.Check(); err != nil {
		var told *api.Error
		if errors.As(err, &told) && len(told.Path) == 1 {
			addErrorAt(diags, path.Root(told.Path[0]), told.Summary, joinParagraphs(config.Sentence(told.Detail), told.Advice))
		} else {
			addError(diags, err, "Cannot use the endpoint", nil)
		}
	}
	return Options{Endpoint: endpoint}
}

func localOptions(dataDir string, diags *diag.Diagnostics) Options {
	if dataDir == "" {
		return Options{}
	}
	absolute, err := filepath.Abs(dataDir)
	if err != nil {
		diags.AddAttributeError(path.Root("data_dir"), "Cannot make data_dir absolute",
			"The folder that Terraform runs in cannot be told: "+err.Error()+". Give an absolute path.")
	}
	return Options{DataDir: absolute}
}

// valueOr gives what is written, else what the environment says.
func valueOr(written types.String, variable string) string {
	if written.IsNull() {
		return os.Getenv(variable)
	}
	return written.ValueString()
}

func (p *provisioningProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		newSourceResource,
		newCredentialResource,
		newAppResource,
		newAttributeMappingResource,
		newScopingFilterResource,
		newAssignmentResource,
		newJobResource,
	}
}

func (p *provisioningProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		newStatusDataSource,
		newAuditEntriesDataSource,
		newAccountsDataSource,
		newAppsDataSource,
		newPreviewDataSource,
		newAppTemplateDataSource,
		newSourceSchemaDataSource,
		newTargetSchemaDataSource,
	}
}

func (p *provisioningProvider) Functions(context.Context) []func() function.Function {
	return []func() function.Function{
		newEvaluateFunction,
		newInScopeFunction,
		newTemplateFunction,
	}
}
