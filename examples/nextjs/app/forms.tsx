"use client";

import { useActionState, type ReactNode } from "react";
import type { Task } from "tasks-api-client";
import { addTask, completeTask, deleteTask, signIn, type FormState } from "./actions";

export function SignIn() {
  const [state, action, pending] = useActionState(signIn, {});
  return (
    <form action={action} className="column">
      <input name="email" type="email" defaultValue={state.kept} placeholder="E-mail" aria-label="E-mail" required />
      <input name="password" type="password" placeholder="Password" aria-label="Password" minLength={8} required />
      <button name="intent" value="login" disabled={pending}>
        Sign in
      </button>
      <button name="intent" value="register" disabled={pending}>
        Create an account
      </button>
      <Failure state={state} />
    </form>
  );
}

export function AddTask({ idempotencyKey }: { idempotencyKey: string }) {
  const [state, action, pending] = useActionState(addTask, {});
  return (
    <form action={action}>
      <input name="key" type="hidden" value={idempotencyKey} />
      {/* React empties the form when its action has ended. What was typed before that would be lost. */}
      <input
        name="title"
        defaultValue={state.kept}
        placeholder="What is to be done?"
        aria-label="Title"
        readOnly={pending}
        required
      />
      <button disabled={pending}>{pending ? "Adding…" : "Add"}</button>
      <Failure state={state} />
    </form>
  );
}

export function TaskItem({ task: { id, title, completed } }: { task: Task }) {
  return (
    <li>
      <ActionButton action={() => completeTask(id, !completed)} label={`Complete ${title}`} checked={completed}>
        {completed ? "☑" : "☐"}
      </ActionButton>
      <span className={completed ? "done" : undefined}>{title}</span>
      <ActionButton action={() => deleteTask(id)} label={`Delete ${title}`}>
        ✕
      </ActionButton>
    </li>
  );
}

interface ActionButtonProps {
  action: () => Promise<FormState>;
  label: string;
  checked?: boolean;
  children: ReactNode;
}

function ActionButton({ action, label, checked, children }: ActionButtonProps) {
  const [state, run, pending] = useActionState<FormState>(action, {});
  const role = checked === undefined ? undefined : "checkbox";
  return (
    <form action={run}>
      <button role={role} aria-checked={checked} aria-label={label} disabled={pending}>
        {children}
      </button>
      <Failure state={state} />
    </form>
  );
}

function Failure({ state }: { state: FormState }) {
  return state.error ? <p role="alert">{state.error}</p> : null;
}
