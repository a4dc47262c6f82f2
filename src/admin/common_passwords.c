/* The passwords that are tried first: short lists of them have been published after every large leak. Lower case. */
#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "admin/passwords.h"
#include "base/mem.h"

/* Sorted. */
static const char *const common[] = {
	"000000", "0123456789", "0987654321", "101010", "10203", "102030", "111111", "11111111", "112233",
	"11223344", "121212", "123123", "123321", "12341234", "12344321", "12345", "123456", "1234567",
	"12345678", "123456789", "1234567890", "1234qwer", "123654", "123abc", "123qwe", "123qweasd",
	"131313", "13579", "147258", "147258369", "159357", "159753", "1g2w3e4r", "1q2w3e", "1q2w3e4r",
	"1q2w3e4r5t", "1qaz2wsx", "1qazxsw2", "222222", "24680", "333333", "444444", "5201314", "555555",
	"55555555", "654321", "666666", "696969", "741852963", "777777", "7777777", "852456", "88888888",
	"987654", "987654321", "999999", "a123456", "a1b2c3", "a1b2c3d4", "aa123456", "aaaaaa", "aaaaaaaa",
	"abc123", "abcabc", "abcd1234", "abcdef", "access", "admin", "admin1", "admin12", "admin123",
	"admin1234", "administrator", "andrew", "android", "angel", "angel1", "anthony", "apollo", "apple",
	"aragorn", "arsenal", "asd123", "asdf", "asdf1234", "asdfasdf", "asdfgh", "asdfghjkl", "ashley",
	"assassin", "asshole", "athena", "autumn", "babygirl", "bailey", "banana", "barcelona", "baseball",
	"basketball", "batman", "beer", "bitch1", "blink182", "blizzard", "business", "buster",
	"butterfly", "changeme", "charlie", "charlie1", "cheese", "chelsea", "chocolate", "christ",
	"cjkysirj", "coffee", "company", "computer", "cookie", "corvette", "counterstrike", "cowboys",
	"daniel", "database", "debian", "december", "default", "diamond", "dick", "docker", "dollar",
	"dolphin", "donald", "dragon", "eagles", "eclipse", "eminem", "enterprise", "facebook", "family",
	"february", "ferrari", "finance", "flower", "football", "football1", "forever", "fortnite",
	"freedom", "friday", "friends", "frodo", "fuckoff", "fuckyou", "fuckyou1", "galaxy", "gandalf",
	"garfield", "george", "gfhjkm", "ghbdtn", "ginger", "goku", "golden", "google", "guest", "hacker",
	"halflife", "hannah", "harley", "harrypotter", "heaven", "hello", "hello1", "hello123",
	"helloworld", "hermione", "hi1234", "hockey", "hogwarts", "honey", "hunter", "iloveyou",
	"iloveyou1", "internet", "iphone", "january", "jennifer", "jessica", "jesus", "jesus1", "jordan",
	"jordan23", "joshua", "jupiter", "juventus", "killer", "lakers", "legolas", "letmein", "letmein1",
	"lightning", "linkedin", "linux", "liverpool", "login", "lovely", "loveme", "lover", "macbook",
	"maggie", "manager", "mariadb", "marketing", "master", "master1", "master123", "matrix", "matthew",
	"mercedes", "merlin", "metallica", "michael", "michelle", "mickey", "minecraft", "monday", "money",
	"monkey", "mustang", "mysql", "naruto", "nicole", "ninja", "nintendo", "nirvana", "nothing",
	"november", "october", "office", "oracle", "orange", "p@ssw0rd", "p@ssword", "pass", "pass123",
	"pass1234", "passpass", "passw0rd", "password", "password1", "password12", "password123",
	"password1234", "passwort", "peanut", "pepper", "phoenix", "pikachu", "pizza", "playstation",
	"pokemon", "porsche", "postgres", "postgresql", "princess", "princess1", "purple", "pussy",
	"q1w2e3r4", "q1w2e3r4t5", "qazqaz", "qazwsx", "qazwsxedc", "qwe123", "qweasd", "qweasdzxc",
	"qweqwe", "qwer1234", "qwerasdf", "qwert", "qwerty", "qwerty1", "qwerty123", "qwertyuiop",
	"rainbow", "ranger", "realmadrid", "robert", "roblox", "rockyou", "root", "samsung", "samurai",
	"sasuke", "scooby", "scorpion", "secret", "secret123", "security", "server", "service", "sexsex",
	"sexy", "shadow", "silver", "slipknot", "snoopy", "soccer", "soccer1", "spiderman", "spring",
	"starcraft", "startrek", "starwars", "steelers", "summer", "sunday", "sunshine", "sunshine1",
	"superman", "support", "sweety", "system", "test", "test1", "test12", "test123", "test1234",
	"tester", "testing", "thomas", "thunder", "tiger", "tigger", "together", "toor", "trustno1",
	"turtle", "ubuntu", "unicorn", "user", "user123", "vegeta", "venus", "vfhbyf", "vodka",
	"voldemort", "warcraft", "welcome", "welcome1", "welcome123", "whatever", "whiskey", "windows",
	"winter", "woaini", "woaini1314", "xbox360", "xxxxxx", "yankees", "yellow", "zaq12wsx", "zaq1xsw2",
	"zaq1zaq1", "zeus", "zxc123", "zxcvbn", "zxcvbnm",
};

static int compare(const void *key, const void *item)
{
	return strcmp(key, *(const char *const *)item);
}

bool password_is_common(const char *password)
{
	char *lower = mem_text(password);

	for (char *c = lower; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	bool found = bsearch(lower, common, sizeof common / sizeof *common, sizeof *common, compare) != NULL;
	free(lower);
	return found;
}
