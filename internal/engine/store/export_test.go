package store

// OverlayOver is Overlay with another bound.
func OverlayOver(lower Reader, bound int) Store { return newOverlay(lower, bound) }
