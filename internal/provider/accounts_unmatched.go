package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// unmatchedModel is what the accounts of an app and the source have that does
// not fit together.
type unmatchedModel struct {
	Complete     bool                    `tfsdk:"complete"`
	Listed       int64                   `tfsdk:"listed"`
	Linked       int64                   `tfsdk:"linked"`
	Matched      int64                   `tfsdk:"matched"`
	Accounts     []unmatchedAccountModel `tfsdk:"accounts"`
	More         int64                   `tfsdk:"more"`
	New          int64                   `tfsdk:"new"`
	Doubtful     []unmatchedObjectModel  `tfsdk:"doubtful"`
	MoreDoubtful int64                   `tfsdk:"more_doubtful"`
}

type unmatchedAccountModel struct {
	ObjectType  types.String `tfsdk:"object_type"`
	ID          types.String `tfsdk:"id"`
	DisplayName types.String `tfsdk:"display_name"`
	Matching    types.String `tfsdk:"matching"`
	Enabled     types.Bool   `tfsdk:"enabled"`
	Protected   bool         `tfsdk:"protected"`
	Near        []nearModel  `tfsdk:"near"`
}

type unmatchedObjectModel struct {
	ObjectType  types.String `tfsdk:"object_type"`
	ID          types.String `tfsdk:"id"`
	DisplayName types.String `tfsdk:"display_name"`
	Near        []nearModel  `tfsdk:"near"`
}

type nearModel struct {
	ID          types.String `tfsdk:"id"`
	DisplayName types.String `tfsdk:"display_name"`
	Score       int64        `tfsdk:"score"`
	Because     types.String `tfsdk:"because"`
	Reason      types.String `tfsdk:"reason"`
}

func unmatchedAttribute() schema.SingleNestedAttribute {
	near := func(description string) schema.ListNestedAttribute {
		return schema.ListNestedAttribute{
			Computed: true, MarkdownDescription: description,
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"id":           computedString("Id."),
				"display_name": computedString("Name for people."),
				"score":        computedInt("How near, 1 to 100."),
				"because":      computedString("What they have in common."),
				"reason":       computedString("Code for which the object gets no account, such as `NotInScope`; null for one in scope, and for an account."),
			}},
		}
	}
	return schema.SingleNestedAttribute{
		Computed: true,
		MarkdownDescription: "Accounts of the app that match nobody in scope, and who may be meant by each; null unless `include_unmatched` is true. To be " +
			"looked at before a job is on for the first time: whoever is not matched gets a second account.",
		Attributes: map[string]schema.Attribute{
			"complete": schema.BoolAttribute{Computed: true, MarkdownDescription: "`false` when the app's listing cannot be trusted to be whole."},
			"listed":   computedInt("How many accounts the app has."),
			"linked":   computedInt("How many of them are linked."),
			"matched":  computedInt("How many of them are not linked, and match somebody in scope."),
			"accounts": schema.ListNestedAttribute{
				Computed:            true,
				MarkdownDescription: "The others, by object type and id.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"object_type":  computedString("Object type."),
					"id":           computedString("Id in the app."),
					"display_name": computedString("Name for people."),
					"matching":     computedString("Value of its first matching attribute, such as the user name."),
					"enabled":      schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether it is enabled; null when the app does not say."},
					"protected":    schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether it is never disabled, deleted or renamed."},
					"near":         near("Objects of the source that it may belong to, the nearest first, at most three."),
				}},
			},
			"more": computedInt("How many there are beyond those in `accounts`."),
			"new":  computedInt("How many objects in scope have no account: a cycle would make one for each."),
			"doubtful": schema.ListNestedAttribute{
				Computed:            true,
				MarkdownDescription: "Those of them that look like one of `accounts`.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"object_type":  computedString("Object type."),
					"id":           computedString("Id in the source."),
					"display_name": computedString("Name for people."),
					"near":         near("Accounts that may be its own, the nearest first, at most three."),
				}},
			},
			"more_doubtful": computedInt("How many there are beyond those in `doubtful`."),
		},
	}
}

func unmatchedFromEngine(u status.Unmatched) *unmatchedModel {
	m := &unmatchedModel{
		Complete: u.Complete, Listed: u.Listed, Linked: u.Linked, Matched: u.Matched, More: u.More, New: u.New, MoreDoubtful: u.MoreDoubtful,
		Accounts: []unmatchedAccountModel{}, Doubtful: []unmatchedObjectModel{},
	}
	for _, a := range u.Accounts {
		m.Accounts = append(m.Accounts, unmatchedAccountModel{
			textOrNull(a.ObjectType), textOrNull(a.ID), textOrNull(a.DisplayName), textOrNull(a.Matching), types.BoolPointerValue(a.Enabled), a.Protected, nearFromEngine(a.Near),
		})
	}
	for _, o := range u.Doubtful {
		m.Doubtful = append(m.Doubtful, unmatchedObjectModel{textOrNull(o.ObjectType), textOrNull(o.ID), textOrNull(o.DisplayName), nearFromEngine(o.Near)})
	}
	return m
}

func nearFromEngine(candidates []status.Near) []nearModel {
	list := []nearModel{}
	for _, n := range candidates {
		list = append(list, nearModel{textOrNull(n.ID), textOrNull(n.DisplayName), int64(n.Score), textOrNull(n.Because), textOrNull(n.Reason)})
	}
	return list
}
