"use server";

import { revalidatePath } from "next/cache";
import { ApiError, NetworkError, unwrap } from "tasks-api-client";
import { api, dropToken, keepToken } from "./api";

/** What a form shows after it was sent; `kept` is the text to try again with. */
export interface FormState {
  error?: string;
  kept?: string;
}

export async function signIn(_: FormState, form: FormData): Promise<FormState> {
  const body = { email: text(form, "email"), password: text(form, "password") };
  const isNew = form.get("intent") === "register";
  return attempt(async () => {
    const call = isNew ? api.POST("/auth/register", { body }) : api.POST("/auth/login", { body });
    await keepToken((await unwrap(call)).data.token);
  }, body.email);
}

export async function signOut(): Promise<void> {
  await dropToken();
  revalidatePath("/");
}

export async function addTask(_: FormState, form: FormData): Promise<FormState> {
  // The form's key makes a second press, after a failure, the same create.
  const params = { header: { "Idempotency-Key": text(form, "key") } };
  const title = text(form, "title");
  return attempt(() => unwrap(api.POST("/api/tasks", { params, body: { title } })), title);
}

export async function completeTask(id: number, completed: boolean): Promise<FormState> {
  const params = { path: { task_id: id } };
  return attempt(() => unwrap(api.PATCH("/api/tasks/{task_id}/complete", { params, body: { completed } })));
}

export async function deleteTask(id: number): Promise<FormState> {
  return attempt(() => unwrap(api.DELETE("/api/tasks/{task_id}", { params: { path: { task_id: id } } })));
}

/** Make a change and render the page anew. An error becomes a sentence: production hides the message of one that is thrown. */
async function attempt(change: () => Promise<unknown>, kept = ""): Promise<FormState> {
  let state: FormState = {};
  try {
    await change();
  } catch (error) {
    if (!(error instanceof ApiError || error instanceof NetworkError)) throw error;
    state = { error: error.message, kept };
  }
  revalidatePath("/");
  return state;
}

function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}
