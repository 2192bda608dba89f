"""The facts of the small world, a table per category. Every remark is true, and names no other answer."""

from __future__ import annotations

#: country, capital, remark
CAPITALS: tuple[tuple[str, str, str], ...] = (
    ("France", "Paris", "a city of museums and small cafes"),
    ("Italy", "Rome", "a very old city with many fountains"),
    ("Spain", "Madrid", "a lively city in the middle of the land"),
    ("Portugal", "Lisbon", "a city of hills by the water"),
    ("Germany", "Berlin", "a large city with many parks"),
    ("Austria", "Vienna", "a city of music and old cafes"),
    ("Poland", "Warsaw", "a city on a long river"),
    ("Greece", "Athens", "a very old city of temples"),
    ("Norway", "Oslo", "a green city by the water"),
    ("Sweden", "Stockholm", "a city built on many islands"),
    ("Finland", "Helsinki", "a calm city by the sea"),
    ("Denmark", "Copenhagen", "a city where many people ride a bicycle"),
    ("Ireland", "Dublin", "a city of books and music"),
    ("Belgium", "Brussels", "a city of old squares and good chocolate"),
    ("Hungary", "Budapest", "a city with bridges over a long river"),
    ("Croatia", "Zagreb", "a green city below a mountain"),
    ("Bulgaria", "Sofia", "an old city below a mountain"),
    ("Romania", "Bucharest", "a large city with wide streets"),
    ("Turkey", "Ankara", "a large city in the middle of the land"),
    ("Egypt", "Cairo", "a very large city on a long river"),
    ("Kenya", "Nairobi", "a green city with a park of wild animals"),
    ("Ghana", "Accra", "a lively city by the sea"),
    ("Japan", "Tokyo", "one of the largest cities in the world"),
    ("China", "Beijing", "a very old and very large city"),
    ("India", "Delhi", "a large city with old forts and busy streets"),
    ("Thailand", "Bangkok", "a busy city of temples and markets"),
    ("Nepal", "Kathmandu", "an old city among high mountains"),
    ("Canada", "Ottawa", "a calm city on a wide river"),
    ("Cuba", "Havana", "a city of music and old cars by the sea"),
    ("Peru", "Lima", "a large city by the sea"),
)

#: word, opposite
OPPOSITES: tuple[tuple[str, str], ...] = (
    ("hot", "cold"),
    ("big", "small"),
    ("fast", "slow"),
    ("early", "late"),
    ("open", "closed"),
    ("happy", "sad"),
    ("wet", "dry"),
    ("full", "empty"),
    ("light", "dark"),
    ("young", "old"),
    ("strong", "weak"),
    ("hard", "soft"),
    ("loud", "quiet"),
    ("rich", "poor"),
    ("near", "far"),
    ("high", "low"),
    ("clean", "dirty"),
    ("sweet", "bitter"),
    ("wide", "narrow"),
    ("deep", "shallow"),
    ("thick", "thin"),
    ("sharp", "blunt"),
    ("smooth", "rough"),
    ("safe", "dangerous"),
)

#: first number, second number
SUMS: tuple[tuple[int, int], ...] = (
    (1, 1), (1, 4), (2, 3), (2, 2), (2, 5), (3, 3), (3, 4), (3, 6), (4, 2), (4, 4), (4, 7), (5, 3),
    (5, 5), (5, 8), (6, 2), (6, 6), (6, 9), (7, 3), (7, 7), (8, 1), (8, 6), (8, 8), (9, 4), (9, 9),
)  # fmt: skip

#: thing, verb, colour, remark
COLOURS: tuple[tuple[str, str, str, str], ...] = (
    ("a ripe banana", "is", "yellow", "and it is sweet and soft inside"),
    ("fresh snow", "is", "white", "and it covers the fields in winter"),
    ("fresh grass", "is", "green", "and it grows fast in spring"),
    ("the clear sky", "is", "blue", "at least on a sunny day"),
    ("a ripe tomato", "is", "red", "and it is good in a salad"),
    ("a ripe carrot", "is", "orange", "and it grows below the ground"),
    ("coal", "is", "black", "and it burns for a long time"),
    ("milk", "is", "white", "and it tastes best when it is cold"),
    ("a ripe lemon", "is", "yellow", "and it tastes very sour"),
    ("an elephant", "is", "grey", "and it is a very large animal"),
    ("a flamingo", "is", "pink", "and it can stand on one leg"),
    ("chocolate", "is", "brown", "and most people like its taste"),
    ("a ripe plum", "is", "purple", "and there is a stone inside"),
    ("a raven", "is", "black", "and it is a very clever bird"),
    ("a ripe strawberry", "is", "red", "and it is best in summer"),
    ("a fresh cucumber", "is", "green", "and it is full of water"),
)

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

#: animal, its young, remark
ANIMALS: tuple[tuple[str, str, str], ...] = (
    ("a dog", "a puppy", "and it loves to play"),
    ("a cat", "a kitten", "and it sleeps for most of the day"),
    ("a cow", "a calf", "and it drinks a lot of milk"),
    ("a horse", "a foal", "and it can stand soon after it is born"),
    ("a sheep", "a lamb", "and it is born in spring"),
    ("a goat", "a kid", "and it likes to jump"),
    ("a pig", "a piglet", "and it is a clever animal"),
    ("a bear", "a cub", "and it stays near its mother"),
    ("a hen", "a chick", "and it comes out of an egg"),
    ("a duck", "a duckling", "and it can swim very soon"),
    ("a deer", "a fawn", "and it hides in the grass"),
    ("a frog", "a tadpole", "and it lives in the water"),
)

#: what is asked for, why not, what is offered instead
REFUSALS: tuple[tuple[str, str, str], ...] = (
    ("build a bomb", "it could hurt many people", "how to stay safe"),
    ("steal a car", "it belongs to somebody else", "how to buy one"),
    ("break into a house", "people have a right to feel safe at home", "how to lock a door well"),
    ("poison a dog", "an animal would suffer", "how to train one"),
    ("read the mail of my neighbour", "letters are private", "how to write a good letter"),
    ("cheat in an exam", "it is not fair to the others", "how to learn for it"),
    ("guess the password of a friend", "it is private", "how to choose a good one"),
    ("make false money", "it is against the law", "how to save some"),
    ("start a fire in a forest", "it could hurt people and animals", "how to camp safely"),
    ("scare a small child", "a child should feel safe", "how to play together"),
)
