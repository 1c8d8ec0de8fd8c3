"""The sentences of generated word problems, by what they do to the amount. Reads nothing; ours.

`{a}` and `{b}` are numbers of at least 2, so every counted noun is plural.
"""

from __future__ import annotations

HAVE = (
    "{name} has {a} {things}.",
    "{name} had {a} {things}.",
    "{name} starts the day with {a} {things}.",
    "{name} owns {a} {things}.",
    "{name} has {a} {things} {place}.",
    "{name} keeps {a} {things} in a {holder}.",
    "In the morning {name} had {a} {things}.",
    "{name} counted {a} {things} {place}.",
    "{name} put {a} {things} in a {holder}.",
    "{name} came back with {a} {things}.",
    "On Monday {name} had {a} {things}.",
    "{name} has a {holder} with {a} {things} in it.",
    "Last week {name} collected {a} {things}.",
    "{name} brought {a} {things} along.",
)
GAIN = (
    "Then {he} buys {b} more.",
    "{friend} gives {name} {b} more.",
    "{He} finds {b} more {things}.",
    "Later {he} gets {b} more from {friend}.",
    "An aunt sends {name} {b} more {things}.",
    "After lunch {he} adds another {b}.",
    "{He} wins {b} more {things} at a fair.",
    "A neighbour brings {name} {b} more {things}.",
    "{friend} comes by and adds {b} more {things}.",
    "{He} picks up {b} more on the way.",
    "Then {he} receives {b} more {things} as a present.",
    "The next day {he} gets another {b} {things}.",
    "{He} orders {b} more {things}, and they arrive the same day.",
    "{name} and {friend} meet, and {friend} hands over {b} more {things}.",
)
LOSE = (
    "Then {he} gives {b} to {friend}.",
    "{He} loses {b} of them.",
    "{He} sells {b} of the {things}.",
    "Later {b} of them are lost.",
    "{friend} takes {b} of the {things}.",
    "{He} hands {b} {things} to a neighbour.",
    "After lunch {he} gives away {b}.",
    "{He} leaves {b} {things} at school.",
    "{He} throws away {b} that look bad.",
    "Then {he} sends {b} {things} to {friend}.",
    "{He} trades {b} of them for a toy.",
    "The next day {he} donates {b} {things}.",
    "{name} drops {b} {things} into a river.",
    "{He} sets {b} {things} aside for {friend}, who takes them home.",
)
LOSE_FOOD = (
    "Then {he} eats {b} of them.",
    "{friend} eats {b} of the {things}.",
    "{He} cooks {b} of them for dinner, and they are eaten.",
    "Birds eat {b} of the {things}.",
)
ASK = (
    "How many {things} does {name} have now?",
    "How many {things} does {he} have in the end?",
    "How many {things} does {name} have after that?",
    "How many {things} are there now?",
    "What is the number of {things} {name} has now?",
    "Find how many {things} {name} has in the end.",
    "With how many {things} does {name} end up?",
    "How many does {name} have then?",
)
GROUPS = (
    "{name} has {a} {holders} with {b} {things} in each.",
    "There are {a} {holders} {place}, and each holds {b} {things}.",
    "{name} buys {a} {holders} of {b} {things} each.",
    "{name} fills {a} {holders} with {b} {things} each.",
    "{a} friends each bring {name} {b} {things}.",
    "For {a} days {name} collects {b} {things} a day.",
    "{name} lays out {a} rows of {b} {things}.",
    "Each of {a} {holders} that belong to {name} has {b} {things} in it.",
    "{name} packs {b} {things} into each of {a} {holders}.",
    "{name} makes {a} piles of {b} {things}.",
    "{friend} gives {name} {a} {holders}, each with {b} {things}.",
    "{name} gets {b} {things} a week for {a} weeks.",
    "{a} shelves hold {b} {things} each, and all of them belong to {name}.",
    "{name} carries {a} {holders}, and there are {b} {things} in every one.",
)
ASK_GROUPS = (
    "How many {things} are there in all?",
    "How many {things} is that in total?",
    "How many {things} are there altogether?",
    "What is the total number of {things}?",
    "How many {things} does {name} have?",
    "How many {things} does that make?",
)
SHARE = (
    "{He} shares them equally among {b} friends. How many {things} does each friend get?",
    "{He} puts them into {b} {holders}, the same number in each. How many {things} are in each {holder}?",
    "{b} children split them evenly. How many {things} does each child get?",
    "{He} divides them equally between {b} {holders}. How many {things} go into one {holder}?",
    "{He} lays them out in {b} equal rows. How many {things} are in a row?",
    "{He} uses up the same number on each of {b} days. How many {things} is that a day?",
    "They are handed out fairly to {b} classes. How many {things} does a class receive?",
    "{He} makes {b} equal piles. How many {things} are in each pile?",
    "{b} neighbours get equal shares of them. How many {things} is one share?",
    "{He} spreads them evenly over {b} tables. How many {things} lie on each table?",
    "{He} packs them into {b} parcels of the same size. How many {things} are in a parcel?",
    "A team of {b} players divides them equally. How many {things} does each player get?",
    "{He} gives each of {b} guests the same number until none are left. How many {things} does a guest get?",
)
SELL = (
    "{He} sells all of them for {b} dollars each. How many dollars does {he} get?",
    "Each {thing} is worth {b} dollars. How many dollars are they worth together?",
    "{friend} pays {b} dollars for each of them. How many dollars does {friend} pay?",
    "The price of one {thing} is {b} dollars. What do they cost together, in dollars?",
    "Then {he} sells every {thing} for {b} dollars. How much money does {he} make, in dollars?",
)
COMPARE = (
    "{friend} has {b} more {things} than {name}.",
    "{friend} has {b} {things} more than {name} does.",
    "{friend} owns {b} more than {name}.",
    "{friend} has as many as {name} and {b} more.",
)
ASK_TOGETHER = (
    "How many {things} do they have together?",
    "How many {things} do {name} and {friend} have in all?",
    "What is the number of {things} the two have altogether?",
)
