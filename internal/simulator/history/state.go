package history

import "cmp"

// MeetingState is how a meeting stands.
type MeetingState struct {
	ConferenceID string        `json:"conferenceId"`
	Title        string        `json:"title"`
	StartTime    int64         `json:"startTime"`
	EndTime      int64         `json:"endTime,omitempty"` // 0 while it goes on
	Rejoin       Rejoin        `json:"rejoin"`
	DeviceRows   DeviceRows    `json:"deviceRows"`
	Rows         int           `json:"rows"`    // of the member list
	Actions      int           `json:"actions"` // that have happened
	Planned      int           `json:"planned"` // that are still to come, as far as is decided
	Present      int           `json:"present"`
	People       []PersonState `json:"people"`
}

// PersonState is how a person stands, by the name that live actions use.
type PersonState struct {
	ID      string   `json:"id"`
	UnionID string   `json:"unionId"`
	Nick    string   `json:"userNick"`
	Devices []string `json:"devices"` // in the meeting
}

// State says how the meeting stands.
func (m *Meeting) State() MeetingState {
	out := MeetingState{
		ConferenceID: m.id, Title: m.title, StartTime: m.start, EndTime: m.view.ended,
		Rejoin: m.rejoin, DeviceRows: m.deviceRows, Rows: len(m.view.rows), Present: m.view.present,
		Actions: m.applied, Planned: len(m.history) - m.applied, People: make([]PersonState, 0, len(m.people)),
	}
	for i, p := range m.people {
		member := &m.view.members[i]
		out.People = append(out.People, PersonState{
			ID: p.ID, UnionID: p.UnionID, Nick: cmp.Or(member.nick, p.Nick), Devices: append([]string{}, member.open...),
		})
	}
	return out
}
