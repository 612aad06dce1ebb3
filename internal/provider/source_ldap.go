package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

type ldapModel struct {
	URL           types.String `tfsdk:"url"`
	StartTLS      types.Bool   `tfsdk:"start_tls"`
	CACertificate types.String `tfsdk:"ca_certificate"`
	Users         types.Object `tfsdk:"users"`
	Groups        types.Object `tfsdk:"groups"`
	PageSize      types.Int64  `tfsdk:"page_size"`
	Incremental   types.String `tfsdk:"incremental"`
}

type userSearchModel struct {
	BaseDN     types.String `tfsdk:"base_dn"`
	Filter     types.String `tfsdk:"filter"`
	Scope      types.String `tfsdk:"scope"`
	References types.Map    `tfsdk:"references"`
}

type groupSearchModel struct {
	BaseDN     types.String `tfsdk:"base_dn"`
	Filter     types.String `tfsdk:"filter"`
	Scope      types.String `tfsdk:"scope"`
	References types.Map    `tfsdk:"references"`
	Members    types.String `tfsdk:"members"`
}

func ldapAttribute() schema.SingleNestedAttribute {
	users := searchAttributes("users", "(objectClass=inetOrgPerson)")
	users["references"] = schema.MapAttribute{
		ElementType: types.StringType,
		Optional:    true,
		MarkdownDescription: "Attributes that refer to other objects, each to the directory's attribute that holds their DNs. " +
			"Default: `{ manager = \"manager\" }`; `{}` for none.",
	}
	groups := searchAttributes("groups", "(objectClass=groupOfNames)")
	groups["references"] = schema.MapAttribute{
		ElementType: types.StringType,
		Optional:    true,
		MarkdownDescription: "Attributes beside `members` that refer to other objects, each to the directory's attribute that holds their DNs, " +
			"as in `{ owner = \"owner\" }`.",
	}
	groups["members"] = schema.StringAttribute{
		Optional: true,
		MarkdownDescription: "The directory's attribute that holds the DNs of a group's members, people and groups. Mappings use it as `members`. " +
			"Default: `member`.",
	}
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "Users and groups from an LDAP v3 directory. The guide *LDAP directories as a source* has the rights that are needed, " +
			"the ways of reading changes, and the names of attributes.",
		Attributes: map[string]schema.Attribute{
			"url": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Address of the directory server: `ldaps://` or `ldap://`, host, and port where it is not 636 or 389. " +
					"With a credential, `ldap://` needs `start_tls`, unless the server is on the agent's own machine.",
			},
			"start_tls": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Whether an `ldap://` connection is encrypted by StartTLS before anything else is sent. Default: `false`.",
			},
			"ca_certificate": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Certificate authorities in PEM to trust beside the system's.",
			},
			"users": schema.SingleNestedAttribute{
				Optional: true, Attributes: users,
				MarkdownDescription: "Which entries are users. At least one of `users` and `groups` is needed.",
			},
			"groups": schema.SingleNestedAttribute{
				Optional: true, Attributes: groups,
				MarkdownDescription: "Which entries are groups.",
			},
			"page_size": schema.Int64Attribute{
				Optional:            true,
				MarkdownDescription: "Entries that are asked for at once, 1 to 10000: no more than the server allows in one page. Default: `500`.",
			},
			"incremental": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "How changes are read: `syncrepl` (content synchronization, RFC 4533), `modify_timestamp`, `full` (everything, each cycle), " +
					"or `auto`, the first of these that the server allows. Default: `auto`.",
			},
		},
	}
}

// searchAttributes are those that users and groups share.
func searchAttributes(block, filter string) map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"base_dn": schema.StringAttribute{
			Required:            true,
			MarkdownDescription: "DN of the entry below which " + block + " are read, such as `ou=" + block + ",dc=example,dc=org`.",
		},
		"filter": schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: "Filter (RFC 4515) of what counts as one of the " + block + ". Default: `" + filter + "`.",
		},
		"scope": schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: "`sub` for all entries below `base_dn`, `one` for those right below it. Default: `sub`.",
		},
	}
}

func ldapToConfig(ctx context.Context, written types.Object, diags *diag.Diagnostics) *config.LDAPSource {
	m := nestedOf[ldapModel](ctx, written, diags)
	if m == nil {
		return nil
	}
	source := &config.LDAPSource{
		URL: m.URL.ValueString(), StartTLS: m.StartTLS.ValueBoolPointer(), CACertificate: m.CACertificate.ValueString(),
		PageSize: m.PageSize.ValueInt64Pointer(), Incremental: m.Incremental.ValueString(),
	}
	if users := nestedOf[userSearchModel](ctx, m.Users, diags); users != nil {
		source.Users = users.toConfig(ctx, diags)
	}
	if groups := nestedOf[groupSearchModel](ctx, m.Groups, diags); groups != nil {
		source.Groups = groups.toConfig(ctx, diags)
	}
	return source
}

func (m *userSearchModel) toConfig(ctx context.Context, diags *diag.Diagnostics) *config.LDAPSet {
	return &config.LDAPSet{
		BaseDN: m.BaseDN.ValueString(), Filter: m.Filter.ValueString(), Scope: m.Scope.ValueString(),
		References: stringMapOf(ctx, m.References, diags),
	}
}

func (m *groupSearchModel) toConfig(ctx context.Context, diags *diag.Diagnostics) *config.LDAPSet {
	set := (&userSearchModel{m.BaseDN, m.Filter, m.Scope, m.References}).toConfig(ctx, diags)
	set.Members = m.Members.ValueString()
	return set
}

func ldapFromConfig(ctx context.Context, written types.Object, source *config.LDAPSource, diags *diag.Diagnostics) types.Object {
	blocks := attributeTypes(ldapAttribute())
	if source == nil {
		return types.ObjectNull(blocks)
	}
	m := nestedOf[ldapModel](ctx, written, diags)
	if m == nil {
		m = &ldapModel{}
	}
	m.URL, m.CACertificate = types.StringValue(source.URL), keepString(m.CACertificate, source.CACertificate)
	m.StartTLS, m.PageSize = types.BoolPointerValue(source.StartTLS), types.Int64PointerValue(source.PageSize)
	m.Incremental = keepString(m.Incremental, source.Incremental)
	m.Users = usersFromConfig(ctx, blocks["users"], m.Users, source.Users, diags)
	m.Groups = groupsFromConfig(ctx, blocks["groups"], m.Groups, source.Groups, diags)
	return objectOf(ctx, blocks, m, diags)
}

func usersFromConfig(ctx context.Context, typ attr.Type, written types.Object, set *config.LDAPSet, diags *diag.Diagnostics) types.Object {
	members := typ.(types.ObjectType).AttrTypes
	if set == nil {
		return types.ObjectNull(members)
	}
	m := nestedOf[userSearchModel](ctx, written, diags)
	if m == nil {
		m = &userSearchModel{}
	}
	m.fromConfig(ctx, set, diags)
	return objectOf(ctx, members, m, diags)
}

func groupsFromConfig(ctx context.Context, typ attr.Type, written types.Object, set *config.LDAPSet, diags *diag.Diagnostics) types.Object {
	members := typ.(types.ObjectType).AttrTypes
	if set == nil {
		return types.ObjectNull(members)
	}
	m := nestedOf[groupSearchModel](ctx, written, diags)
	if m == nil {
		m = &groupSearchModel{}
	}
	common := userSearchModel{m.BaseDN, m.Filter, m.Scope, m.References}
	common.fromConfig(ctx, set, diags)
	return objectOf(ctx, members, groupSearchModel{
		common.BaseDN, common.Filter, common.Scope, common.References, keepString(m.Members, set.Members),
	}, diags)
}

func (m *userSearchModel) fromConfig(ctx context.Context, set *config.LDAPSet, diags *diag.Diagnostics) {
	m.BaseDN = types.StringValue(set.BaseDN)
	m.Filter, m.Scope = keepString(m.Filter, set.Filter), keepString(m.Scope, set.Scope)
	m.References = keepMap(ctx, m.References, set.References, diags)
}
