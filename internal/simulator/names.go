package simulator

import "fmt"

// names are the people of generated meetings and of churn.
var names = []string{
	"王芳", "李伟", "张敏", "刘洋", "陈静", "杨磊", "赵丽", "黄强", "周婷", "吴昊",
	"徐明", "孙悦", "马超", "朱琳", "胡军", "郭晓", "何欣", "林峰", "高雪", "罗斌",
	"Emma Clarke", "Liam Becker", "Sofia Rossi", "Noah Kim", "Olivia Tan", "Lucas Moreau", "Mia Novak", "Ethan Wright",
	"Aisha Khan", "Mateo García", "Hana Sato", "Oscar Lindqvist", "Zoë Martin", "Daniel Osei", "Ingrid Dahl", "Raj Patel",
}

// name returns the nickname of the i-th person; they are all different.
func name(i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s %d", names[i%len(names)], i/len(names)+1)
}
