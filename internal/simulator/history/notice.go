package history

import "slices"

// Scene is what a notice tells of: DingTalk's changeScene.
// See https://open.dingtalk.com/document/orgapp/video-conference-events.
type Scene string

// The scenes of a meeting, and those of its members.
const (
	SceneCreated Scene = "conference_created"
	SceneClosed  Scene = "conference_closed"
	SceneJoin    Scene = "user_join"
	SceneLeave   Scene = "user_leave"
	SceneKicked  Scene = "user_kicked"
	SceneInvited Scene = "user_invited"
)

// Notice is one thing the platform tells by itself: what happened in a meeting, about the meeting
// or some members.
type Notice struct {
	Seq   int // among the meeting's notices, from 1
	Scene Scene
	// Info is the meeting after what happened; its At is when it happened.
	Info Info
	// Members are whom the notice is about; none when it is about the meeting.
	Members []Noticed
}

// Noticed is a device that a notice is about.
type Noticed struct {
	Person Person // with the nickname and the role of then
	Device string
	Join   int64 // the joinTime of the device's row, Unix milliseconds; 0 when it has none
}

func (f *fold) noticed(person int, device string) Noticed {
	row := f.rows[f.members[person].rows[f.rowKey(device)]]
	return Noticed{Person: f.personNow(person), Device: device, Join: row.Join}
}

// touched returns the devices that a notice about the action names, as they are before it happens.
// Where a person has one row for all devices, only the first to come and the last to go are told
// of.
func (f *fold) touched(a Action, member *member) []string {
	one := f.meeting.deviceRows == OneRow
	switch a.Do {
	case Join:
		if one && len(member.open) > 0 {
			return nil
		}
		return []string{a.Device}
	case Invite:
		return []string{a.Device}
	case Leave, Kick:
		if a.Device == "" {
			if one {
				return slices.Clone(member.open[:min(1, len(member.open))])
			}
			return slices.Clone(member.open)
		}
		if one && len(member.open) > 1 {
			return nil
		}
		return []string{a.Device}
	}
	return nil
}

// sceneOf returns the scene of a member's action; "" for what the platform does not tell.
func sceneOf(do Verb) Scene {
	switch do {
	case Join:
		return SceneJoin
	case Leave:
		return SceneLeave
	case Kick:
		return SceneKicked
	case Invite:
		return SceneInvited
	}
	return ""
}
