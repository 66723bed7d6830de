package diff

// flags are what is so or not so of a person.
type flags uint16

const (
	host flags = 1 << iota
	coHost
	outerOrg
	pstn
	guest   // has no unionId; the key is a substitute
	missing // the last complete snapshot lacked the announced attendance
	// The last complete snapshot had exactly one row of the person, or one open row besides rows of
	// visits that are over.
	oneRow
	// Another device of the announced attendance is known: it was listed, or a push named it since.
	otherDevice
	unused  // version 1 of the encoding had it
	wasHost // has been host before
	wasCoHost
	// The last list of theirs was uncertain: it showed an end that was not announced, and no open
	// row.
	endWithheld
	// A guest whom the list names otherwise than was announced; in place of the nickname is the key
	// listed.
	renamed

	roles = host | coHost | outerOrg | pstn
	// lasting is what a look that does not show the person leaves as it is.
	lasting  = roles | guest | wasHost | wasCoHost | renamed
	allFlags = renamed<<1 - 1
)

func (f flags) has(x flags) bool { return f&x != 0 }

// past are the roles that somebody has or had, as ones they had.
func (f flags) past() flags {
	p := f & (wasHost | wasCoHost)
	if f.has(host) {
		p |= wasHost
	}
	if f.has(coHost) {
		p |= wasCoHost
	}
	return p
}
