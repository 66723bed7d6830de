package history

import "fmt"

// names are the people of generated meetings and of churn.
var names = []string{
	"王芳", "Emma Clarke", "李伟", "Liam Wagner", "张敏", "Sofia Rossi",
	"刘洋", "Noah Kim", "陈静", "Olivia Tan", "杨磊", "Lucas Moreau",
	"赵丽", "Mia Novak", "黄强", "Ethan Wright", "周婷", "Aisha Khan",
	"吴昊", "Mateo García", "徐明", "Hana Sato", "孙悦", "Oscar Lindqvist",
	"马超", "Zoë Martin", "朱琳", "Daniel Osei", "胡军", "Ingrid Dahl",
	"郭晓", "Raj Patel",
}

// name returns the nickname of the i-th person; they are all different.
func name(i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s %d", names[i%len(names)], i/len(names)+1)
}
