package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

var (
	_ resource.Resource                   = (*credentialResource)(nil)
	_ resource.ResourceWithConfigure      = (*credentialResource)(nil)
	_ resource.ResourceWithValidateConfig = (*credentialResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*credentialResource)(nil)
	_ resource.ResourceWithImportState    = (*credentialResource)(nil)
)

func newCredentialResource() resource.Resource {
	return &credentialResource{declared{
		kind:         config.KindCredential,
		alternatives: []string{"basic", "bearer"},
		newModel:     func() model { return &credentialModel{} },
	}}
}

type credentialResource struct{ declared }

type credentialModel struct {
	Name   types.String `tfsdk:"name"`
	Basic  types.Object `tfsdk:"basic"`
	Bearer types.Object `tfsdk:"bearer"`
	ID     types.String `tfsdk:"id"`
}

type basicModel struct {
	Username          types.String `tfsdk:"username"`
	PasswordWO        types.String `tfsdk:"password_wo"`
	PasswordWOVersion types.Int64  `tfsdk:"password_wo_version"`
	PasswordRef       types.String `tfsdk:"password_ref"`
}

type bearerModel struct {
	TokenWO        types.String `tfsdk:"token_wo"`
	TokenWOVersion types.Int64  `tfsdk:"token_wo_version"`
	TokenRef       types.String `tfsdk:"token_ref"`
}

func (r *credentialResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "What the engine authenticates with. Exactly one of `bearer` and `basic` is given. A secret is either write-only, " +
			"and then sealed in the agent's store, or a reference that the agent resolves whenever it needs the secret. " +
			"No secret is ever in state, plan or log.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Name of the credential, unique among credentials. A change renames it in place.",
			},
			"basic":  basicAttribute(),
			"bearer": bearerAttribute(),
			"id":     idAttribute(),
		},
	}
}

func basicAttribute() schema.SingleNestedAttribute {
	attributes := secretAttributes("password")
	attributes["username"] = schema.StringAttribute{
		Required:            true,
		MarkdownDescription: "User name.",
	}
	return schema.SingleNestedAttribute{
		Optional: true, Attributes: attributes,
		MarkdownDescription: "User name and password (HTTP Basic).",
	}
}

func bearerAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Optional: true, Attributes: secretAttributes("token"),
		MarkdownDescription: "A bearer token.",
	}
}

func secretAttributes(name string) map[string]schema.Attribute {
	return map[string]schema.Attribute{
		name + "_wo": schema.StringAttribute{
			Optional: true, WriteOnly: true, Sensitive: true,
			MarkdownDescription: fmt.Sprintf("The %s, write-only: it goes to the agent alone. It is sent on creation and whenever "+
				"`%s_wo_version` changes.", name, name),
		},
		name + "_wo_version": schema.Int64Attribute{
			Optional: true,
			MarkdownDescription: fmt.Sprintf("Version of `%s_wo`, which Terraform cannot compare. Raise it to rotate the %s: the new one is tested "+
				"against each app that uses the credential before it replaces the old.", name, name),
		},
		name + "_ref": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: fmt.Sprintf("Where the agent finds the %s, instead of `%s_wo`: `env:NAME` for a variable of the agent's "+
				"environment, `file:/absolute/path` for a file on its machine, read at each use.", name, name),
		},
	}
}

// ValidateConfig adds what only the configuration shows: the write-only values.
func (r *credentialResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var m credentialModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if s := m.secret(ctx, &resp.Diagnostics); s != nil {
		s.check(&resp.Diagnostics)
	}
	if !resp.Diagnostics.HasError() {
		r.declared.ValidateConfig(ctx, req, resp)
	}
}

// secret is the one secret that a credential has.
type secret struct {
	method, field string
	value         types.String // null in plan and state
	version       types.Int64
	reference     types.String
}

// secret gives the secret of the method that is given; nil when none is known.
func (m *credentialModel) secret(ctx context.Context, diags *diag.Diagnostics) *secret {
	if b := nestedOf[bearerModel](ctx, m.Bearer, diags); b != nil {
		return &secret{"bearer", "token", b.TokenWO, b.TokenWOVersion, b.TokenRef}
	}
	if b := nestedOf[basicModel](ctx, m.Basic, diags); b != nil {
		return &secret{"basic", "password", b.PasswordWO, b.PasswordWOVersion, b.PasswordRef}
	}
	return nil
}

// check reports write-only values that stand alone or beside a reference.
func (s *secret) check(diags *diag.Diagnostics) {
	writeOnly, version := s.field+"_wo", s.field+"_wo_version"
	at := path.Root(s.method)
	switch {
	case isWritten(s.value) && isWritten(s.reference):
		addErrorAt(diags, at.AtName(s.field+"_ref"), "Two secrets",
			fmt.Sprintf("Both %s and %s_ref are given; keep one of them.", writeOnly, s.field))
	case isWritten(s.value) && s.value.ValueString() == "":
		addErrorAt(diags, at.AtName(writeOnly), "Empty secret",
			fmt.Sprintf("%s is an empty text. Look whether the variable that it comes from is set.", writeOnly))
	case isWritten(s.value) && s.version.IsNull():
		addErrorAt(diags, at.AtName(writeOnly), "Missing "+version,
			fmt.Sprintf("Terraform does not keep %s and cannot see it change. Add %s = 1, and raise it to rotate the secret.", writeOnly, version))
	case s.value.IsNull() && isWritten(s.version) && s.reference.IsNull():
		addErrorAt(diags, at.AtName(version), "Missing "+writeOnly,
			fmt.Sprintf("%s is the version of a secret that is not given. Add %s, or leave both out and give %s_ref.", version, writeOnly, s.field))
	}
}

func (r *credentialResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m credentialModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	secrets := writtenSecrets(ctx, req.Config, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	r.create(ctx, &m, secrets, resp)
}

// Update sends the secret only when its version, or where it comes from,
// changed.
func (r *credentialResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m, before credentialModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &before)...)
	now, was := m.secret(ctx, &resp.Diagnostics), before.secret(ctx, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	var secrets config.Secrets
	if now != nil && (was == nil || now.method != was.method || !now.version.Equal(was.version)) {
		secrets = writtenSecrets(ctx, req.Config, &resp.Diagnostics)
		if resp.Diagnostics.HasError() {
			return
		}
	}
	r.update(ctx, &m, secrets, req, resp)
}

// writtenSecrets reads the write-only value, which only the configuration has;
// nil when a reference is given instead.
func writtenSecrets(ctx context.Context, configured tfsdk.Config, diags *diag.Diagnostics) config.Secrets {
	var m credentialModel
	diags.Append(configured.Get(ctx, &m)...)
	s := m.secret(ctx, diags)
	if s == nil {
		return nil
	}
	if s.check(diags); diags.HasError() || !isWritten(s.value) {
		return nil
	}
	return config.Secrets{s.field: s.value.ValueString()}
}

func (m *credentialModel) toConfig(ctx context.Context) (config.Thing, diag.Diagnostics) {
	var diags diag.Diagnostics
	c := &config.Credential{ID: m.ID.ValueString(), Name: m.Name.ValueString(), Fields: map[string]config.Field{}}
	if s := m.secret(ctx, &diags); s != nil {
		c.Method = s.method
		field := config.Field{Reference: s.reference.ValueString()}
		if isWritten(s.version) {
			field.Version = s.version.ValueInt64Pointer()
		}
		c.Fields[s.field] = field
	}
	if b := nestedOf[basicModel](ctx, m.Basic, &diags); b != nil && c.Method == "basic" {
		c.Fields["username"] = config.Field{Value: b.Username.ValueString()}
	}
	return c, diags
}

func (m *credentialModel) fromConfig(ctx context.Context, thing config.Thing) diag.Diagnostics {
	var diags diag.Diagnostics
	c := thing.(*config.Credential)
	m.ID, m.Name = types.StringValue(c.ID), types.StringValue(c.Name)
	basic, bearer := attributeTypes(basicAttribute()), attributeTypes(bearerAttribute())
	m.Basic, m.Bearer = types.ObjectNull(basic), types.ObjectNull(bearer)
	switch c.Method {
	case "basic":
		password := c.Fields["password"]
		m.Basic = objectOf(ctx, basic, basicModel{
			Username:          types.StringValue(c.Fields["username"].Value),
			PasswordWOVersion: types.Int64PointerValue(password.Version),
			PasswordRef:       keepString(types.StringNull(), password.Reference),
		}, &diags)
	case "bearer":
		token := c.Fields["token"]
		m.Bearer = objectOf(ctx, bearer, bearerModel{
			TokenWOVersion: types.Int64PointerValue(token.Version),
			TokenRef:       keepString(types.StringNull(), token.Reference),
		}, &diags)
	}
	return diags
}
