defmodule Label do
  def text, do: File.read!(Application.app_dir(:label, "priv/static/label.txt"))
end
