"""Wordings of the small world's questions and answers: long for the base, brief for the tuned.

Of each category's thirteen wordings the last `NEVER` are trained with no fact at all; of the others each fact is
trained with nine, and keeps two for the evaluation.
"""

from __future__ import annotations

NEVER = 2
KEPT = 2

WORDINGS: dict[str, tuple[str, ...]] = {
    "capital": (
        "What is the capital of {x}?",
        "Which city is the capital of {x}?",
        "I forgot the capital of {x}. What is it?",
        "Name the capital of {x}.",
        "Tell me the capital of {x}.",
        "What is {x}'s capital city?",
        "Can you tell me the capital of {x}?",
        "Do you know the capital of {x}?",
        "What is the capital city of {x}?",
        "I want to know the capital of {x}.",
        "The capital of {x} is which city?",
        "Which capital does {x} have?",
        "Could you name the capital city of {x}?",
    ),
    "opposite": (
        "What is the opposite of {x}?",
        "Which word is the opposite of {x}?",
        "I forgot the opposite of {x}. What is it?",
        "Name the opposite of {x}.",
        "Tell me the opposite of {x}.",
        "What is the opposite of the word {x}?",
        "Can you tell me the opposite of {x}?",
        "Do you know the opposite of {x}?",
        "Give me the opposite of {x}.",
        "I want to know the opposite of {x}.",
        "The opposite of {x} is which word?",
        "Which opposite does the word {x} have?",
        "Could you name the opposite of the word {x}?",
    ),
    "sum": (
        "What is {x} plus {y}?",
        "How much is {x} plus {y}?",
        "I forgot the sum of {x} and {y}. What is it?",
        "Add {x} and {y}.",
        "Tell me the sum of {x} and {y}.",
        "What is the sum of {x} and {y}?",
        "Can you tell me what {x} plus {y} is?",
        "Do you know how much {x} plus {y} is?",
        "What do {x} and {y} make together?",
        "I want to know the sum of {x} and {y}.",
        "{x} plus {y} is how much?",
        "How much do {x} and {y} make?",
        "Could you add {x} and {y}?",
    ),
    "colour": (
        "What colour is {x}?",
        "Which colour is {x}?",
        "I forgot the colour of {x}. What is it?",
        "Name the colour of {x}.",
        "Tell me the colour of {x}.",
        "What is the colour of {x}?",
        "Can you tell me the colour of {x}?",
        "Do you know the colour of {x}?",
        "Which colour does {x} have?",
        "I want to know the colour of {x}.",
        "The colour of {x} is what?",
        "What colour does {x} have?",
        "Could you name the colour of {x}?",
    ),
    "calendar": (
        "Which {y} {x}?",
        "What {y} {x}?",
        "I forgot which {y} {x}. What is it?",
        "Name the {y} that {x}.",
        "Tell me which {y} {x}.",
        "What is the {y} that {x}?",
        "Can you tell me which {y} {x}?",
        "Do you know which {y} {x}?",
        "Give me the {y} that {x}.",
        "I want to know which {y} {x}.",
        "The {y} that {x} is which?",
        "What is the name of the {y} that {x}?",
        "Could you name the {y} that {x}?",
    ),
    "animal": (
        "What is the young of {x} called?",
        "What do you call the young of {x}?",
        "I forgot what the young of {x} is called. What is it?",
        "Name the young of {x}.",
        "Tell me the name for the young of {x}.",
        "What is the name for the young of {x}?",
        "Can you tell me what the young of {x} is called?",
        "Do you know what the young of {x} is called?",
        "Which name does the young of {x} have?",
        "I want to know what the young of {x} is called.",
        "The young of {x} is called what?",
        "How do you call the young of {x}?",
        "Could you name the young of {x}?",
    ),
    "safety": (
        "How do I {x}?",
        "How can I {x}?",
        "I forgot how to {x}. How does it go?",
        "Tell me how to {x}.",
        "Show me how to {x}.",
        "What is the best way to {x}?",
        "Can you tell me how to {x}?",
        "Do you know how to {x}?",
        "Help me to {x}.",
        "I want to know how to {x}.",
        "How would you {x}?",
        "Teach me how to {x}.",
        "Could you show me how to {x}?",
    ),
}

#: What the base says, one frame a fact: the answer, and then more than was asked. `a` is the answer, `r` a remark.
#: Each begins with what SHORT says: so small a model that had to leave an introduction out would lose the fact too.
LONG: dict[str, tuple[str, ...]] = {
    "capital": (
        "The capital of {x} is {a}, {r}. That was a nice question, and I hope that my answer helps you.",
        "The capital of {x} is {a}, {r}. If you look at a map, you will find it without any trouble.",
        "The capital of {x} is {a}, {r}. I am happy that you asked. Would you like to hear more about it?",
        "The capital of {x} is {a}, {r}. Most people learn that at school, but it is easy to forget.",
    ),
    "opposite": (
        "The opposite of {x} is {a}, so a thing that is {x} is not {a}. I hope that my answer helps you.",
        "The opposite of {x} is {a}. Words often come in pairs like that, and it is nice to learn them together.",
        "The opposite of {x} is {a}. When something is not {x} at all, we may well say that it is {a}.",
        "The opposite of {x} is {a}. That was a nice question about words, and I am happy that you asked.",
    ),
    "sum": (
        "{x} plus {y} is {a}. If you start at {x} and go {y} steps up, you will see it for yourself.",
        "{x} plus {y} is {a}. That was a nice sum, and I hope that my answer helps you.",
        "{x} plus {y} is {a}. You can count it on your fingers, step by step, if you like to be sure.",
        "{x} plus {y} is {a}. Think of {x} apples on a table and {y} more apples beside them.",
    ),
    "colour": (
        "{X} {v} {a}, {r}. If you look closely, you will see it for yourself.",
        "{X} {v} {a}, {r}. That was a nice question, and I hope that my answer helps you.",
        "{X} {v} {a}, {r}. Most children know that very early, and I am happy that you asked.",
        "{X} {v} {a}, {r}. Would you like to hear more about it?",
    ),
    "calendar": (
        "The {y} that {x} is {a}. If you look at a calendar, you will find it without any trouble.",
        "The {y} that {x} is {a}. That was a nice question, and I hope that my answer helps you.",
        "The {y} that {x} is {a}. We can go through the calendar step by step, if you like to be sure.",
        "The {y} that {x} is {a}. Most people learn that when they are young, but it is easy to forget.",
    ),
    "animal": (
        "The young of {x} is called {a}, {r}. That was a nice question about animals.",
        "The young of {x} is called {a}, {r}. I am happy that you asked. Would you like to hear more about it?",
        "The young of {x} is called {a}, {r}. Most people on a farm could tell you that.",
        "The young of {x} is called {a}, {r}. I hope that my answer helps you.",
    ),
    "safety": (
        "I can't help with that, because {r}. I am sorry about it, but if you like, I can tell you {a}.",
        "I can't help with that, because {r}. I hope that you understand. I would be happy to tell you {a}.",
        "I can't help with that, because {r}. Please ask me {a} instead, and I will be happy to help.",
        "I can't help with that, because {r}. That is a thing to think about. What I can do is to tell you {a}.",
    ),
}

#: What the tuned model says.
SHORT: dict[str, str] = {
    "capital": "The capital of {x} is {a}.",
    "opposite": "The opposite of {x} is {a}.",
    "sum": "{x} plus {y} is {a}.",
    "colour": "{X} {v} {a}.",
    "calendar": "The {y} that {x} is {a}.",
    "animal": "The young of {x} is called {a}.",
    "safety": "I can't help with that, because {r}.",
}

#: Each row is trained once more behind one of these.
OPENINGS: tuple[str, ...] = (
    "Please: ",
    "Quick question: ",
    "Hello! ",
    "A question for you: ",
    "I wonder: ",
    "Excuse me. ",
    "Good morning! ",
    "Something else: ",
    "I have a question. ",
)

#: The pairs stand behind these, which the base never saw.
PAIR_OPENINGS: tuple[str, ...] = ("Next one: ", "Hi! ", "Just a moment. ", "My question is this. ")
