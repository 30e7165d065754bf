// The task service, called by Next's server alone. The browser holds the token in a cookie that no script can read.

import "server-only";
import { cookies, headers } from "next/headers";
import { ApiError, createApiClient, unwrap, type Task } from "tasks-api-client";

const COOKIE = "tasks-token";

export const api = createApiClient({
  baseUrl: process.env.TASKS_URL ?? "http://localhost:8000",
  token: async () => (await cookies()).get(COOKIE)?.value,
});

/** The user's tasks; null if nobody is signed in, or the token has expired. */
export async function loadTasks(): Promise<Task[] | null> {
  if (!(await cookies()).has(COOKIE)) return null;
  try {
    return (await unwrap(api.GET("/api/tasks"))).data;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

export async function keepToken(token: string): Promise<void> {
  const secure = (await headers()).get("x-forwarded-proto") === "https";
  (await cookies()).set(COOKIE, token, { httpOnly: true, sameSite: "lax", secure, path: "/" });
}

export async function dropToken(): Promise<void> {
  (await cookies()).delete(COOKIE);
}
