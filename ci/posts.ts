/** A comment, or an issue. */
export interface Post {
    /** What its service calls it by, when it is to be changed. */
    id: number;
    text?: string | null;
}

/** Posts among which one is found by its first line. */
export interface Posts {
    /** All of them, the oldest first. */
    list(): Promise<Post[]>;
    create(text: string): Promise<unknown>;
    update(id: number, text: string): Promise<unknown>;
}

/** The first post that begins with a line, with plain line ends. */
export async function find(
    { list }: Pick<Posts, "list">,
    line: string,
): Promise<{ id: number; text: string } | undefined> {
    const posts = (await list()).map(({ id, text }) => ({
        id,
        text: (text ?? "").replaceAll("\r\n", "\n"),
    }));
    return posts.find(({ text }) => text.split("\n")[0] === line);
}

/** Makes a text the one post with its first line: creates it, or updates it where it differs. */
export async function put(posts: Posts, text: string): Promise<"created" | "updated" | "unchanged"> {
    const [line = ""] = text.split("\n");
    const found = await find(posts, line);
    if (found === undefined) {
        await posts.create(text);
        return "created";
    }
    // Both services take the white space at the end away.
    if (found.text.trimEnd() === text.trimEnd()) return "unchanged";
    await posts.update(found.id, text);
    return "updated";
}
