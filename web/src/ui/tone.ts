/** What a status means for the person who reads it. */
export type Tone = "good" | "wait" | "bad" | "move" | "grey";
