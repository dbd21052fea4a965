defmodule RoseWeb do
  def label, do: File.read!(Application.app_dir(:rose_web, "priv/static/label.txt"))
end
