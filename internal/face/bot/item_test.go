package bot

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestAGuestIsMarkedOnce: some write it behind their own names.
func TestAGuestIsMarkedOnce(t *testing.T) {
	for name, want := range map[string][2]string{
		"Gil":          {"Gil (guest)", "Gil（外部）"},
		"Gil (guest)":  {"Gil (guest)", "Gil（外部）"},
		"Gil（外部）":      {"Gil (guest)", "Gil（外部）"},
		" (guest)":     {" (guest) (guest)", " (guest)（外部）"}, // a name of nothing else stays
		"Gil (guest)x": {"Gil (guest)x (guest)", "Gil (guest)x（外部）"},
	} {
		it := item{name: name, guest: true}
		assert.Equal(t, want, [2]string{it.who(wording[english]), it.who(wording[chinese])})
		it.guest = false
		assert.Equal(t, name, it.who(wording[english]), "who belongs to the organisation is called as they are")
	}
}
