package diff

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf8"
)

const (
	// guestPrefix begins the key of a person without a unionId.
	guestPrefix = "guest:"
	// maxKey and maxNick bound what one person can cost, in bytes; both are far above what DingTalk
	// gives out.
	maxKey  = 1024
	maxNick = 512
)

// identify appends the key of a row's person to buf: the unionId or, where that is empty, the pair
// of nickname and joinTime, so that two guests with one name stay two people.
func identify(buf []byte, row *Row) []byte {
	if row.UnionID != "" {
		return append(buf, clip(row.UnionID, maxKey)...)
	}
	buf = append(buf, guestPrefix...)
	buf = strconv.AppendInt(buf, row.JoinTime, 10)
	buf = append(buf, ':')
	return append(buf, clip(row.UserNick, maxNick)...)
}

// clip cuts a string to at most limit bytes without splitting a character.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for back := range utf8.UTFMax {
		if utf8.RuneStart(s[limit-back]) {
			return s[:limit-back]
		}
	}
	return s[:limit] // no text anyway
}

// isAt tells whether the person at position i has this unionId, without building a key, which is
// never empty.
func (s *State) isAt(i int32, row *Row) bool {
	return int(i) < len(s.people) && string(s.key(&s.people[i])) == row.UnionID
}

// is tells whether p has this key, or is listed under it.
func (s *State) is(p *person, key []byte) bool {
	return bytes.Equal(s.key(p), key) || p.flags.has(renamed) && bytes.Equal(s.listedAs(p), key)
}

// add appends a person who was not seen before. The state must be a clone.
func (s *State) add(key []byte, row *Row) int32 {
	p := person{flags: rolesOf(row)}
	if row.UnionID == "" {
		p.flags |= guest
	}
	s.people = append(s.people, p)
	i := int32(len(s.people) - 1)
	s.name(&s.people[i], key, row.UserNick)
	return i
}

// name stores key and nickname at the end of names; what they replace is dropped when the state is
// next encoded.
func (s *State) name(p *person, key []byte, nick string) {
	nick = clip(nick, maxNick)
	p.name, p.keyLen, p.nickLen = uint32(len(s.names)), uint16(len(key)), uint16(len(nick))
	s.names = append(append(s.names, key...), nick...)
}

func rolesOf(row *Row) flags {
	var f flags
	if row.Host {
		f |= host
	}
	if row.CoHost {
		f |= coHost
	}
	if row.OuterOrgMember {
		f |= outerOrg
	}
	if row.PSTNJoin {
		f |= pstn
	}
	return f
}

// compactNames copies names for people, a copy of s.people, and drops what changed nicknames left
// behind once that is as much as what is still in use.
func (s *State) compactNames(people []person) []byte {
	live := 0
	for i := range people {
		live += int(people[i].keyLen) + int(people[i].nickLen)
	}
	if len(s.names) <= 2*live {
		return slices.Clone(s.names)
	}
	names := make([]byte, 0, live)
	for i := range people {
		p := &people[i]
		at := uint32(len(names))
		names = append(append(names, s.key(p)...), s.nick(p)...)
		p.name = at
	}
	return names
}

func (s *State) key(p *person) []byte { return s.names[p.name : p.name+uint32(p.keyLen)] }

func (s *State) nick(p *person) []byte {
	from := p.name + uint32(p.keyLen)
	return s.names[from : from+uint32(p.nickLen)]
}
