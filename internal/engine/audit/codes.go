package audit

// The codes of skips and failures, as they stand in Entry.ErrorCode. What each
// means is in the catalogue.
const (
	// Reasons for which an object is passed over.

	NotEffectivelyEntitled             = "NotEffectivelyEntitled"
	NotInScope                         = "NotInScope"
	DisabledInSource                   = "DisabledInSource"
	ImportSkipped                      = "ImportSkipped"
	EntryJoiningPropertyValueIsMissing = "EntryJoiningPropertyValueIsMissing"
	EntrySynchronizationSkipped        = "EntrySynchronizationSkipped"
	RedundantExport                    = "RedundantExport"
	AttributeValidationFailed          = "AttributeValidationFailed"
	ActionNotAllowed                   = "ActionNotAllowed"
	SkipOutOfScopeDeletions            = "SkipOutOfScopeDeletions"
	IgnoreObjectFlow                   = "IgnoreObjectFlow"
	Staged                             = "Staged"
	Held                               = "Held"
	GracePeriod                        = "GracePeriod"
	ProtectedAccount                   = "ProtectedAccount"
	OwnedByAnother                     = "OwnedByAnother"
	LinkUnproven                       = "LinkUnproven"
	DisableNotSupported                = "DisableNotSupported"
	CannotDelete                       = "CannotDelete"
	AdoptedGroup                       = "AdoptedGroup"
	ManagementEnded                    = "ManagementEnded"
	SourceEpochChanged                 = "SourceEpochChanged"

	// Reasons for which an account is disabled or deleted.

	SourceObjectAbsent  = "SourceObjectAbsent"
	SourceObjectDeleted = "SourceObjectDeleted"

	// Faults of the source and of what is declared.

	InvalidSourceRecord                    = "InvalidSourceRecord"
	IncompleteSourceRead                   = "IncompleteSourceRead"
	SourceUnavailable                      = "SourceUnavailable"
	SourceUnreadable                       = "SourceUnreadable"
	SourceChanged                          = "SourceChanged"
	EvaluationFailed                       = "EvaluationFailed"
	DuplicateSourceEntries                 = "DuplicateSourceEntries"
	InvalidLookupReference                 = "InvalidLookupReference"
	UnableToResolveReferenceAttributeValue = "UnableToResolveReferenceAttributeValue"
	MissingValues                          = "MissingValues"
	MandatoryFieldsMissing                 = "MandatoryFieldsMissing"
	SchemaAttributeNotFound                = "SchemaAttributeNotFound"
	SchemaPropertyCanOnlyAcceptValue       = "SchemaPropertyCanOnlyAcceptValue"
	SchemaInvalid                          = "schemaInvalid"

	// Answers of the target.

	Conflict                                                        = "Conflict"
	EntryConflict                                                   = "EntryConflict"
	DuplicateTargetEntries                                          = "DuplicateTargetEntries"
	InvalidAnchor                                                   = "InvalidAnchor"
	InsufficientRights                                              = "InsufficientRights"
	Unauthorized                                                    = "Unauthorized"
	NotPermitted                                                    = "NotPermitted"
	MethodNotAllowed                                                = "MethodNotAllowed"
	NotImplemented                                                  = "NotImplemented"
	UnprocessableEntity                                             = "UnprocessableEntity"
	InvalidDomain                                                   = "InvalidDomain"
	LicenseLimitExceeded                                            = "LicenseLimitExceeded"
	TooManyRequests                                                 = "TooManyRequests"
	InternalServerError                                             = "InternalServerError"
	WebExceptionProtocolError                                       = "WebExceptionProtocolError"
	Timeout                                                         = "Timeout"
	TargetUnavailable                                               = "TargetUnavailable"
	ConnectionRefused                                               = "ConnectionRefused"
	UnknownOutcome                                                  = "UnknownOutcome"
	AttributeNotTaken                                               = "AttributeNotTaken"
	InternalError                                                   = "InternalError"
	SystemForCrossDomainIdentityManagementMultipleEntriesInResponse = "SystemForCrossDomainIdentityManagementMultipleEntriesInResponse"
	SystemForCrossDomainIdentityManagementServiceIncompatible       = "SystemForCrossDomainIdentityManagementServiceIncompatible"

	// Answers of Microsoft Entra ID as a target.

	AzureActiveDirectoryCannotUpdateObjectsOriginatedInExternalService = "AzureActiveDirectoryCannotUpdateObjectsOriginatedInExternalService"
	AzureDirectoryB2BManagementPolicyCheckFailure                      = "AzureDirectoryB2BManagementPolicyCheckFailure"
	AzureActiveDirectoryQuotaLimitExceeded                             = "AzureActiveDirectoryQuotaLimitExceeded"
	InvitationCreationFailure                                          = "InvitationCreationFailure"
	AzureActiveDirectoryForbidden                                      = "AzureActiveDirectoryForbidden"
	InvitationCreationFailureInvalidPropertyValue                      = "InvitationCreationFailureInvalidPropertyValue"
	InvitationCreationFailureAmbiguousUser                             = "InvitationCreationFailureAmbiguousUser"
	AzureActiveDirectoryCannotUpdateObjectsMasteredOnPremises          = "AzureActiveDirectoryCannotUpdateObjectsMasteredOnPremises"

	// Answers of particular targets.

	ServiceNowInstanceInvalid                               = "ServiceNowInstanceInvalid"
	SalesforceLicenseLimitExceeded                          = "SalesforceLicenseLimitExceeded"
	SalesforceDuplicateUserName                             = "SalesforceDuplicateUserName"
	SalesforceRequiredFieldMissing                          = "SalesforceRequiredFieldMissing"
	HybridSynchronizationActiveDirectoryCannotFindAttribute = "HybridSynchronizationActiveDirectoryCannotFindAttribute"
	HybridSynchronizationActiveDirectoryInvalidParameter    = "HybridSynchronizationActiveDirectoryInvalidParameter"
	InvalidAttributeSyntaxLdapErr                           = "InvalidAttributeSyntax-LdapErr"
	WorkplaceDomainNotVerified                              = "1789003"
)
