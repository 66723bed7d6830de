package diff

import "bytes"

// Recognise tells which guests of a list are among those known although they are listed under
// another key, by the rule of [Compare]. It returns the known key by the listed one. known are
// people who were announced as present; of them only the keys, and whether they are guests, are
// used.
func Recognise(known []Person, rows []Row) map[string]string {
	s := New("")
	for _, who := range known {
		p := person{start: 1}
		if who.UnionID == "" {
			p.flags = guest
		}
		s.people = append(s.people, p)
		s.name(&s.people[len(s.people)-1], []byte(who.Key), "")
	}
	c := scratch.Get().(*comparison)
	defer c.release()
	c.begin(s, &Snapshot{Rows: rows})
	c.groupRows()
	out := map[string]string{}
	for i := range s.people {
		key := s.key(&s.people[i])
		for r := c.first[i]; r > 0; r = c.link[r-1] {
			if listed := identify(nil, &rows[r-1]); !bytes.Equal(listed, key) {
				out[string(listed)] = string(key)
			}
		}
	}
	return out
}
